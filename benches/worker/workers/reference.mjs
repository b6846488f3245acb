// The reference: what the first worker of this kind did for each log, written to be fast. One global object counts in
// one value, stored anew for each log; then one pipeline to Redis, and only then the answer.
import { DurableObject } from "cloudflare:workers";

const WINDOW_MS = 3_600_000;
const LIMITS = { global: 16_000_000, system: 16_000_000, trace: 16_000_000 };

export class RateLimiterDO extends DurableObject {
  #state;
  constructor(context, env) {
    super(context, env);
    context.blockConcurrencyWhile(async () => {
      this.#state = (await context.storage.get("rateLimitState")) ?? this.#fresh();
    });
  }
  #fresh() {
    return { global_current: 0, system_current: {}, trace_counts: {}, window_start: Date.now() };
  }
  check(trace, system) {
    if (Date.now() - this.#state.window_start >= WINDOW_MS) this.#state = this.#fresh();
    const state = this.#state;
    const ofSystem = state.system_current[system] ?? 0;
    const ofTrace = state.trace_counts[trace] ?? 0;
    if (state.global_current >= LIMITS.global || ofSystem >= LIMITS.system || ofTrace >= LIMITS.trace) return -1;
    state.global_current += 1;
    state.system_current[system] = ofSystem + 1;
    state.trace_counts[trace] = ofTrace + 1;
    this.ctx.storage.put("rateLimitState", state); // the platform holds the answer back until it is durable
    return LIMITS.system - ofSystem - 1;
  }
}

const LEVELS = new Set(["log", "info", "warn", "error"]);

export default {
  async fetch(request, env) {
    const log = await request.json();
    if (!log.trace_id || !log.message || !LEVELS.has(log.level)) return Response.json({ success: false }, { status: 400 });
    const system = log.system ?? "manual";
    const remaining = await env.RATE_LIMIT_STATE.get(env.RATE_LIMIT_STATE.idFromName("global")).check(log.trace_id, system);
    if (remaining < 0) return Response.json({ success: false }, { status: 429 });
    const entry = { id: crypto.randomUUID(), ...log, system, timestamp: Date.now() };
    const key = `logs:${log.trace_id}`;
    const stored = await fetch(`${env.UPSTASH_REDIS_REST_URL}/pipeline`, {
      method: "POST",
      headers: { Authorization: `Bearer ${env.UPSTASH_REDIS_REST_TOKEN}` },
      body: JSON.stringify([["LPUSH", key, JSON.stringify(entry)], ["EXPIRE", key, 3600]]),
    });
    await stored.arrayBuffer();
    return Response.json({ success: true, trace_id: log.trace_id, remaining_quota: remaining });
  },
};
