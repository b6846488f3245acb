// What bounds this worker: the same way of a log (an object of one shard, one row a group commit, one request to Redis a
// flush), by a worker that reads nothing of what it carries, judges nothing and redacts nothing. What it takes cannot be
// saved by anything between; what the real one takes more is its own.
import { DurableObject } from "cloudflare:workers";

const GROUP_COMMIT_MS = 0; // as src/config/settings.rs has it
const FLUSH_DELAY_MS = 500; // as there

export class LogBuffer extends DurableObject {
  #sql;
  #group = [];
  #waiting = [];
  #committed;
  constructor(context, env) {
    super(context, env);
    this.#sql = context.storage.sql;
    this.#sql.exec("CREATE TABLE IF NOT EXISTS slots (slot INTEGER PRIMARY KEY, body BLOB NOT NULL)");
  }
  append(body) {
    if (this.#group.length === 0) this.#committed = new Promise((done) => setTimeout(() => done(this.#commit()), GROUP_COMMIT_MS));
    this.#group.push(body);
    return this.#committed;
  }
  #commit() {
    const row = joined(this.#group);
    this.#group = [];
    this.#sql.exec("INSERT INTO slots (body) VALUES (?)", row);
    if (this.#waiting.push(row) === 1) setTimeout(() => this.#flush(), FLUSH_DELAY_MS);
    return true;
  }
  async #flush() {
    const body = joined(this.#waiting);
    this.#waiting = [];
    const { UPSTASH_REDIS_REST_URL: url, UPSTASH_REDIS_REST_TOKEN: token } = this.env;
    const stored = await fetch(`${url}/set/carried`, { method: "POST", headers: { Authorization: `Bearer ${token}` }, body });
    await stored.arrayBuffer();
    this.#sql.exec("DELETE FROM slots");
  }
}

// Several buffers as one.
function joined(buffers) {
  const whole = new Uint8Array(buffers.reduce((sum, buffer) => sum + buffer.byteLength, 0));
  let at = 0;
  for (const buffer of buffers) {
    whole.set(new Uint8Array(buffer), at);
    at += buffer.byteLength;
  }
  return whole.buffer;
}

const headers = new Headers({
  "Content-Type": "application/json",
  "Access-Control-Allow-Origin": "*",
  "Access-Control-Expose-Headers": "RateLimit, RateLimit-Policy, Retry-After",
  "Cache-Control": "no-store",
  "RateLimit-Policy": '"browser";q=16000000;w=3600',
  RateLimit: '"browser";r=15999999;t=3600',
});
const answer = '{"success":true,"accepted":1,"duplicates":0,"suppressed":0,"rejected":[],"remaining_quota":15999999}';

export default {
  async fetch(request, env) {
    await env.LOG_BUFFER.getByName("shard-0").append(await request.arrayBuffer());
    return new Response(answer, { headers });
  },
};
