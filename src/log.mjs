// The I/O of `POST /log` and `POST /v1/logs`; what it means is decided in src/edge/ingest.rs, by calls that do not wait.

import { within } from "./guard.mjs";

const BODY_TIME_MAX_MS = 10_000; // as in src/intake/receive.rs
const PIECE_BYTES = 4 * 1024; // of a packed body, unpacked at once: at most a thousand times as many are made of it
const HEAD = [ // in the order src/edge/ingest.rs reads them
  "Origin", "Authorization", "Content-Type", "Content-Encoding", "Content-Length", "Referer", "User-Agent", "Sec-Fetch-Site",
  "CF-Connecting-IP",
];

// Answers a request; `Posted` is the class of the compiled worker.
export async function postLog(request, env, Posted, isOtlp) {
  const posted = Posted.open(env, HEAD.map((name) => request.headers.get(name) ?? "").join("\n"), isOtlp);
  if (env.FLOOD_LIMITER && (await isFlood(env, posted))) posted.turn_away();
  await receive(request, posted);
  const hops = posted.judge();
  if (hops === 1) await deliver(env, posted, 0);
  else if (hops > 1) await Promise.all(Array.from({ length: hops }, (_, hop) => deliver(env, posted, hop)));
  const [status, body, ...fields] = posted.answer().split("\0");
  // Only right after a call that did not throw: when the instance broke meanwhile, the same address is somebody else's
  // memory. What is left then goes with its instance, or by the garbage collector.
  posted.free();
  const headers = {};
  for (let at = 0; at < fields.length; at += 2) headers[fields[at]] = fields[at + 1];
  return new Response(body, { status, headers });
}

// As src/edge/flood.rs for the other routes: a counter that fails turns nobody away.
async function isFlood(env, posted) {
  const key = posted.counted_as();
  try {
    return key !== "" && !(await env.FLOOD_LIMITER.limit({ key })).success;
  } catch (error) {
    console.error(`the flood guard does not count: ${error.message}`);
    return false;
  }
}

async function receive(request, posted) {
  const receiving = { over: false };
  let timer;
  const late = new Promise((resolve) => (timer = setTimeout(() => resolve(true), BODY_TIME_MAX_MS)));
  try {
    if (await Promise.race([read(request, posted, receiving), late])) posted.give_up(true);
  } catch {
    posted.give_up(false); // the connection broke
  } finally {
    receiving.over = true;
    clearTimeout(timer);
  }
}

// A body that comes too late may still come when `posted` is gone.
async function read(request, posted, receiving) {
  if (posted.is_packed()) {
    if (request.body) await unpack(request.body, posted, receiving);
  } else if (posted.in_one_piece()) {
    const body = new Uint8Array(await request.arrayBuffer());
    if (!receiving.over) posted.push(body);
  } else if (request.body) {
    for await (const chunk of request.body) if (receiving.over || !posted.push(chunk)) return;
  }
}

// Unpacks a gzip body as it comes. What is refused is still received, but not unpacked.
async function unpack(body, posted, receiving) {
  const { readable, writable } = new DecompressionStream("gzip");
  const writer = writable.getWriter();
  let unpacking = true;
  const unpacked = (async () => {
    for await (const chunk of readable) if (receiving.over || !posted.push(chunk)) break;
  })().finally(() => (unpacking = false));
  const failed = unpacked.then(() => false, () => true);
  const write = (work) => work.catch(() => {}); // the reading side says what is wrong
  for await (const chunk of body) {
    if (receiving.over || !posted.push_packed(chunk.length)) return;
    for (let at = 0; unpacking && at < chunk.length; at += PIECE_BYTES) {
      await write(writer.write(chunk.subarray(at, at + PIECE_BYTES)));
    }
  }
  if (unpacking) await write(writer.close());
  if ((await failed) && !receiving.over) posted.cannot_be_unpacked();
}

// Hands a shard what it is to store, and once more when what became of the first time is unknown: it recognises
// what it has.
async function deliver(env, posted, hop) {
  const shard = posted.shard(hop);
  const body = posted.body(hop);
  for (let again = 0; again < 2; again++) {
    try {
      // A stub whose object broke stays broken; a new one reaches the object's next instance.
      const reply = env.LOG_BUFFER.getByName(`shard-${shard}`).append(body);
      return posted.settle(hop, await within(posted.hop_timeout_ms(), reply));
    } catch (error) {
      console.error(`shard ${shard} gave no answer: ${error.message}`);
      if (error.overloaded) return; // asking again makes that worse (Cloudflare, "Durable Objects: error handling")
    }
  }
}
