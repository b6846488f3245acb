// Deadlines that hold when the compiled worker breaks.
//
// A trap in the wasm throws its instance away, and whatever it had in hand is never answered by it. So deadlines
// live in JavaScript, and whoever waits looks now and then whether an instance broke meanwhile.

const LOOK_MS = 500; // how soon that is seen

// Counts instances that broke. Requests look at it by themselves: the platform lets no request act for another.
let traps = 0;

// Notes an error, if it is one that broke an instance. Returns whether it is.
export function trapped(error) {
  const broke = error instanceof WebAssembly.RuntimeError || error?.message === "Module terminated";
  if (broke) traps += 1;
  return broke;
}
addEventListener("error", (event) => trapped(event.error));
addEventListener("unhandledrejection", (event) => trapped(event.reason));

// What `work` comes to, if it comes within `ms` and no instance breaks before; else it throws.
export async function within(ms, work) {
  const before = traps;
  let timer;
  const over = new Promise((_, reject) => {
    const look = (left) => {
      timer = setTimeout(() => {
        if (traps !== before) reject(new Error("the instance broke"));
        else if (left <= LOOK_MS) reject(new Error(`no answer within ${ms} ms`));
        else look(left - LOOK_MS);
      }, Math.min(left, LOOK_MS));
    };
    look(ms);
  });
  try {
    return await Promise.race([work, over]);
  } finally {
    clearTimeout(timer);
  }
}
