// The module Cloudflare loads: the compiled worker, with a guard around it.
//
// A trap in the wasm throws the instance away, and whatever it had in hand is never answered by it. The guard lives
// outside the wasm: when the instance broke, or took longer than two hops may, it answers 503 itself. A log that was
// under way may be stored or not; the same log with the same id can be sent again.
import Worker, * as worker from "../build/index.js";
import { WorkerEntrypoint } from "cloudflare:workers";

export const LogBuffer = worker.LogBuffer;
export const RateLimiterDO = worker.RateLimiterDO;

const HOP_TIMEOUT_MS = 5_000; // as in src/config.rs
const GRACE_MS = 5_000; // beyond two hops: to receive and judge a body
const CLEAR_HOPS = 8; // a clear waits for a flush under way and deletes many lists
const LOOK_MS = 500; // how often a slow request looks whether the instance it runs in broke

// Counts instances that broke. Requests look at it by themselves: the platform lets no request act for another.
let traps = 0;
const trapped = (error) => {
  if (error instanceof WebAssembly.RuntimeError) traps += 1;
};
addEventListener("error", (event) => trapped(event.error));
addEventListener("unhandledrejection", (event) => trapped(event.reason));

// The headers are those of src/access.rs: a page must be able to read this answer like any other.
function unavailable(request, env) {
  const body = { success: false, error: "The worker broke on a request. Send the log again with the same id" };
  const headers = new Headers({
    "Content-Type": "application/json",
    "Cache-Control": "no-store",
    "Retry-After": "5",
    "Access-Control-Allow-Methods": "POST, GET, DELETE, OPTIONS",
    "Access-Control-Allow-Headers": "Content-Type, Origin, User-Agent, Authorization, X-Correlation-Id",
    "Access-Control-Expose-Headers": "Retry-After, RateLimit, RateLimit-Policy",
  });
  const listed = (env.ALLOWED_ORIGINS ?? "").toLowerCase().split(",").map((origin) => origin.trim()).filter(Boolean);
  const origin = request.headers.get("Origin");
  if (listed.length === 0) headers.set("Access-Control-Allow-Origin", "*");
  else headers.set("Vary", "Origin");
  if (origin && listed.includes(origin.toLowerCase())) headers.set("Access-Control-Allow-Origin", origin);
  return new Response(JSON.stringify(body), { status: 503, headers });
}

export default class extends WorkerEntrypoint {
  async fetch(request) {
    const hop = Number(this.env.HOP_TIMEOUT_MS) || HOP_TIMEOUT_MS;
    let left = request.method === "DELETE" ? CLEAR_HOPS * hop : 2 * hop + GRACE_MS;
    const before = traps;
    let timer;
    const givenUp = new Promise((resolve) => {
      const look = () => {
        left -= LOOK_MS;
        if (left <= 0 || traps !== before) resolve(undefined);
        else timer = setTimeout(look, LOOK_MS);
      };
      timer = setTimeout(look, LOOK_MS);
    });
    try {
      const work = new Worker(this.ctx, this.env).fetch(request);
      // A sender that goes away, or is answered here, must not stop the work half-way: what it has in hand would never
      // be given back.
      this.ctx.waitUntil(work.catch(() => {}));
      const answer = await Promise.race([work, givenUp]);
      return answer ?? unavailable(request, this.env);
    } catch (error) {
      trapped(error);
      console.error("the worker broke on a request:", error);
      return unavailable(request, this.env);
    } finally {
      clearTimeout(timer);
    }
  }
}
