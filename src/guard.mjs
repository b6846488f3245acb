// Deadlines that hold when the compiled worker breaks.
//
// A trap in the wasm throws its instance away, and whatever it had in hand is never answered by it. So deadlines
// live in JavaScript, and whoever waits looks now and then whether an instance broke meanwhile.

const LOOK_MS = 500; // how soon that is seen

// What worker-build's own code knows of the instance. Requests look at it by themselves: the platform lets no request act
// for another.
const state = globalThis.__worker_init_state;
let traps = 0;
const instanceId = () => state.instanceId + traps;

// Notes an error, if it is one that broke an instance. Returns whether it is.
export function trapped(error) {
  const broke = error instanceof WebAssembly.RuntimeError || error?.message === "Module terminated";
  if (broke) traps += 1;
  return broke;
}
addEventListener("error", (event) => trapped(event.error));
addEventListener("unhandledrejection", (event) => trapped(event.reason));

// A deadline that was not met.
export class Late extends Error {}
// The instance that a request had its state in is gone: that state must not be touched any more, because the same address is
// somebody else's memory now.
export class Broken extends Error {}

// The deadlines of one request. They share one timer: making and unmaking one for each wait is felt on the path
// of a log.
export class Deadlines {
  #waits = new Set();
  #instance = instanceId();
  #timer;
  #due = Infinity;

  // Throws when the instance broke since the request began.
  check() {
    if (instanceId() !== this.#instance) throw new Broken("the instance broke");
  }

  // What `work` comes to, if it comes within `ms` and no instance breaks before; else it throws.
  within(ms, work) {
    return new Promise((resolve, reject) => {
      const now = Date.now();
      const wait = { ms, until: now + ms, reject };
      this.#waits.add(wait);
      this.#arm(wait.until, now);
      const over = (settle) => (outcome) => {
        if (!this.#waits.delete(wait)) return;
        if (instanceId() === this.#instance) settle(outcome);
        else reject(new Broken("the instance broke"));
      };
      work.then(over(resolve), over(reject));
    });
  }

  // To be called when the request ends.
  done() {
    clearTimeout(this.#timer);
  }

  #arm(until, now) {
    const due = Math.min(until, now + LOOK_MS);
    if (due >= this.#due) return;
    clearTimeout(this.#timer);
    this.#due = due;
    this.#timer = setTimeout(() => this.#look(), due - now);
  }

  #look() {
    this.#due = Infinity;
    const broke = instanceId() !== this.#instance;
    const now = Date.now();
    for (const wait of this.#waits) {
      if (!broke && now < wait.until) this.#arm(wait.until, now);
      else {
        this.#waits.delete(wait);
        wait.reject(broke ? new Broken("the instance broke") : new Late(`no answer within ${wait.ms} ms`));
      }
    }
  }
}
