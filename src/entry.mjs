// The module Cloudflare loads: the compiled worker, with a guard around it.
//
// A trap in the wasm throws the instance away, and whatever it had in hand is never answered by it. The guard lives
// outside the wasm: when the instance broke, or took longer than two hops may, it answers 503 itself. A log that was
// under way may be stored or not; the same log with the same id can be sent again.
import Worker, * as worker from "../build/index.js";
import { WorkerEntrypoint } from "cloudflare:workers";

export const LogBuffer = worker.LogBuffer;
export const RateLimiterDO = worker.RateLimiterDO;

// Two hops (HOP_TIMEOUT_MS each), and time to read and judge.
const GRACE_MS = 5_000;
const HOP_TIMEOUT_MS = 5_000;
// After a trap, what does not depend on the broken instance may still be answered.
const AFTER_TRAP_MS = 1_000;

const inFlight = new Set();

function trapped(error) {
  if (!(error instanceof WebAssembly.RuntimeError)) return;
  for (const visit of inFlight) visit.hurry();
}
addEventListener("error", (event) => trapped(event.error));
addEventListener("unhandledrejection", (event) => trapped(event.reason));

function unavailable() {
  const body = { success: false, error: "The worker broke on a request. Send the log again with the same id" };
  return new Response(JSON.stringify(body), {
    status: 503,
    headers: { "Content-Type": "application/json", "Retry-After": "5", "Access-Control-Allow-Origin": "*" },
  });
}

export default class extends WorkerEntrypoint {
  async fetch(request) {
    const hop = Number(this.env.HOP_TIMEOUT_MS) || HOP_TIMEOUT_MS;
    // A clear may wait for a flush and delete many lists.
    const limit = request.method === "DELETE" ? 8 * hop : 2 * hop + GRACE_MS;
    let timer;
    const visit = {};
    const deadline = new Promise((resolve) => {
      timer = setTimeout(resolve, limit, unavailable());
      visit.hurry = () => {
        clearTimeout(timer);
        timer = setTimeout(resolve, AFTER_TRAP_MS, unavailable());
      };
    });
    inFlight.add(visit);
    try {
      return await Promise.race([new Worker(this.ctx, this.env).fetch(request), deadline]);
    } catch (error) {
      console.error("the worker broke on a request:", error);
      return unavailable();
    } finally {
      clearTimeout(timer);
      inFlight.delete(visit);
    }
  }
}
