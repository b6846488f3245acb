// Group commit: appends that arrive together are stored in one transaction.
//
// What each of them waits on is made here and not in the compiled worker, which is handed a group as a whole: a promise made
// there, and a call for each body, are dearer (of 20 hot traces 4 % of a log's CPU).

import { trapped } from "./guard.mjs";

export class Groups {
  #object;
  #group = []; // a body, and what waits for it
  constructor(object) {
    this.#object = object;
  }

  // Stores an append with those that come soon after it. Answers when it is durable.
  add(body) {
    // Of an instance that broke the call throws, before there is anything that waits for it.
    if (this.#group.length === 0) setTimeout(() => this.#commit(), this.#object.gather());
    const { promise, resolve, reject } = Promise.withResolvers();
    this.#group.push({ body, resolve, reject });
    return promise;
  }

  async #commit() {
    const group = this.#group;
    this.#group = [];
    try {
      const replies = await this.#object.commit(group.map(({ body }) => body));
      for (const [at, { resolve, reject }] of group.entries()) {
        if (typeof replies[at] === "string") reject(new Error(replies[at]));
        else resolve(replies[at]);
      }
    } catch (error) {
      trapped(error);
      for (const { reject } of group) reject(error);
    }
  }
}
