// Group commit: appends that arrive together are stored in one transaction.
//
// What each of them waits on is made here and not in the compiled worker, which is handed a group as a whole: a promise made
// there, and a call for each body, cost as much as all else an object does for a log.

import { trapped } from "./guard.mjs";

export class Groups {
  #object;
  #bodies = [];
  #waiting = [];
  constructor(object) {
    this.#object = object;
  }

  // Stores an append with those that come soon after it. Answers when it is durable.
  add(body) {
    // Of an instance that broke the call throws, before there is anything that waits for it.
    if (this.#bodies.length === 0) setTimeout(() => this.#commit(), this.#object.gather());
    const { promise, resolve, reject } = Promise.withResolvers();
    this.#bodies.push(body);
    this.#waiting.push({ resolve, reject });
    return promise;
  }

  async #commit() {
    const [bodies, waiting] = [this.#bodies, this.#waiting];
    [this.#bodies, this.#waiting] = [[], []];
    try {
      const replies = await this.#object.commit(bodies);
      for (const [at, { resolve, reject }] of waiting.entries()) {
        if (typeof replies[at] === "string") reject(new Error(replies[at]));
        else resolve(replies[at]);
      }
    } catch (error) {
      trapped(error);
      for (const { reject } of waiting) reject(error);
    }
  }
}
