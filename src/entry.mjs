// The module Cloudflare loads: the compiled worker, and what surrounds it in JavaScript.
//
// `POST /log` and `POST /v1/logs` do their I/O in log.mjs and group.mjs, `GET /logs/tail` in tail.mjs, and static.mjs has the page and
// the client for browsers; every other route is the worker's own fetch event. Where the worker broke, or takes longer
// than all its hops may, it is answered 503 here. A log that was under way may be stored or not; the same log with the same
// id can be sent again.
import Worker, * as worker from "../build/index.js";
import * as files from "../build/static.js";
import { DurableObject } from "cloudflare:workers";
import { cors } from "./cors.mjs";
import { Groups } from "./group.mjs";
import { Deadlines, trapped } from "./guard.mjs";
import { postLog } from "./log.mjs";
import { serve } from "./static.mjs";
import { Viewers, openTail } from "./tail.mjs";

export const RateLimiterDO = worker.RateLimiterDO;

// One shard of the buffer. Only a class that extends `DurableObject` has methods others can call.
export class LogBuffer extends DurableObject {
  #object;
  #groups;
  #viewers;
  constructor(state, env) {
    super(state, env);
    this.#object = new worker.LogBuffer(state, env);
    this.#groups = new Groups(this.#object);
    this.#viewers = new Viewers(state, this.#object);
  }
  // A method and not a request: a `Request` and a `Response` cost more than all the rest of an append.
  append(body) {
    return this.#told(this.#groups.add(body));
  }
  fetch(request) {
    if (request.headers.get("Upgrade") === "websocket") return this.#viewers.accept(request);
    return this.#told(this.#object.fetch(request));
  }
  alarm() {
    return this.#object.alarm();
  }
  webSocketMessage(socket, message) {
    this.#viewers.said(socket, message);
  }
  webSocketClose(socket) {
    this.#viewers.gone(socket);
  }
  webSocketError(socket) {
    this.#viewers.gone(socket);
  }
  // Whoever looks on learns of it afterwards.
  #told(answer) {
    if (this.#viewers.count) answer.then(() => this.#viewers.soon(), () => {});
    return answer;
  }
}

const LOG = /^https?:\/\/[^/?#]+\/log(?:[?#]|$)/; // as it was written: `new URL` would make one of `/x/../log`
const OTLP = /^https?:\/\/[^/?#]+\/v1\/logs(?:[?#]|$)/;
const TAIL = /^https?:\/\/[^/?#]+\/logs\/tail(?:[?#]|$)/;
const HOP_TIMEOUT_MS = 5_000; // as in src/config/settings.rs
const REDIS_TIMEOUT_MS = 5_000; // as there
const READ_HOPS = 4; // a read asks a shard, Redis and the shard again, each shard twice if it must
const CLEAR_HOPS = 8; // a clear waits for a flush under way and deletes many lists

const BROKE = "The worker broke on a request. Send the log again with the same id";
const BROKE_ELSEWHERE = "The worker broke on a request, or took too long. Try again";

function unavailable(request, env, error) {
  const headers = cors(request, env); // a page must be able to read this answer like any other
  headers.set("Content-Type", "application/json");
  headers.set("Cache-Control", "no-store");
  headers.set("Retry-After", "5");
  const body = OTLP.test(request.url) ? { message: error } : { success: false, error };
  return new Response(JSON.stringify(body), { status: 503, headers });
}

// worker-build's own code notes here that an instance broke, and makes a new one when the next `Worker` is made. It does
// not see what the log path calls.
const instance = globalThis.__worker_init_state;
function revive(ctx, env) {
  instance.criticalError = true;
  new Worker(ctx, env);
}

export default {
  async fetch(request, env, ctx) {
    const { method, url } = request; // each look makes a string of it
    const file = method === "GET" && serve(request, env, files);
    if (file) return file;
    const isOtlp = method === "POST" && OTLP.test(url);
    const isLog = isOtlp || (method === "POST" && LOG.test(url));
    const isTail = method === "GET" && TAIL.test(url);
    let deadlines;
    try {
      if (instance.criticalError) revive(ctx, env);
      let work = isLog ? postLog(request, env, worker.Posted, isOtlp) : new Worker(ctx, env).fetch(request);
      if (isTail) work = work.then((judged) => openTail(judged, env, (why) => unavailable(request, env, why)));
      // A sender that goes away, or is answered here, must not stop the work half-way: a page posts its last logs as it
      // closes, and what the work has in hand would never be given back.
      ctx.waitUntil(work);
      if (isLog) return await work;
      const hop = Number(env.HOP_TIMEOUT_MS) || HOP_TIMEOUT_MS;
      const redis = Number(env.REDIS_TIMEOUT_MS) || REDIS_TIMEOUT_MS;
      const most = method === "DELETE" ? CLEAR_HOPS * hop : READ_HOPS * hop + redis;
      deadlines = new Deadlines();
      return await deadlines.within(most, work);
    } catch (error) {
      console.error("the worker broke on a request:", error);
      if (trapped(error)) revive(ctx, env);
      return unavailable(request, env, isLog ? BROKE : BROKE_ELSEWHERE);
    } finally {
      deadlines?.done();
    }
  },
};
