// The I/O of `POST /log` and `POST /v1/logs`; what it means is decided in src/edge/ingest.rs, by calls that do not wait.

import { Broken, Deadlines, Late } from "./guard.mjs";

const BODY_TIME_MAX_MS = 10_000; // as in src/intake/receive.rs
const COUNT_TIME_MAX_MS = 1_000; // of the flood guard's counter, which is at hand wherever the worker runs
const PIECE_BYTES = 4 * 1024; // of a packed body, unpacked at once: at most a thousand times as many are made of it
const HEAD = [ // in the order src/edge/ingest.rs reads them
  "Origin", "Authorization", "Content-Type", "Content-Encoding", "Content-Length", "Referer", "User-Agent", "Sec-Fetch-Site",
  "CF-Connecting-IP", "CF-Worker",
];

// Answers a request; `Posted` is the class of the compiled worker.
export async function postLog(request, env, Posted, isOtlp) {
  const { headers } = request;
  const posted = Posted.open(env, HEAD.map((name) => headers.get(name) ?? "").join("\n"), isOtlp);
  const deadlines = new Deadlines();
  try {
    if (env.FLOOD_LIMITER) await turnFloodAway(env, posted, deadlines);
    await receive(request, posted, deadlines);
    const hops = posted.judge();
    if (hops === 1) await deliver(env, posted, 0, deadlines);
    else if (hops > 1) await Promise.all(Array.from({ length: hops }, (_, hop) => deliver(env, posted, hop, deadlines)));
  } finally {
    deadlines.done();
  }
  const answer = posted.answer();
  // Only right after a call that did not throw: when the instance broke meanwhile, the same address is somebody else's
  // memory. What is left then goes with its instance, or by the garbage collector.
  posted.free();
  return respond(answer);
}

// Headers that many answers share, by how they were written down: they are made of strings once, not for each log.
const shared = new Map();
const SHARED_MAX = 16; // one for each origin that is listed, and then some

// Makes an answer of what `Answer::joined` wrote (src/edge/answer.rs).
function respond(joined) {
  const [status, common, body, ...fields] = joined.split("\0");
  let headers = shared.get(common);
  if (!headers) {
    const pairs = common.split("\n");
    headers = new Headers();
    for (let at = 0; at + 1 < pairs.length; at += 2) headers.set(pairs[at], pairs[at + 1]);
    if (shared.size < SHARED_MAX) shared.set(common, headers);
  }
  const response = new Response(body, { status, headers });
  const own = response.headers;
  for (let at = 0; at < fields.length; at += 2) own.set(fields[at], fields[at + 1]);
  return response;
}

// As src/edge/flood.rs for the other routes: a counter that fails turns nobody away.
async function turnFloodAway(env, posted, deadlines) {
  const key = posted.counted_as();
  if (key === "") return;
  let counted = { success: true };
  try {
    counted = await deadlines.within(COUNT_TIME_MAX_MS, env.FLOOD_LIMITER.limit({ key }));
  } catch (error) {
    if (error instanceof Broken) throw error;
    console.error(`the flood guard does not count: ${error.message}`);
  }
  if (!counted.success) posted.turn_away();
}

async function receive(request, posted, deadlines) {
  const receiving = { over: false };
  try {
    await deadlines.within(BODY_TIME_MAX_MS, read(request, posted, receiving, deadlines));
  } catch (error) {
    if (error instanceof Broken) throw error;
    posted.give_up(error instanceof Late); // or the connection broke
  } finally {
    receiving.over = true;
  }
}

// A body that comes too late may still come when `posted` is gone.
async function read(request, posted, receiving, deadlines) {
  if (posted.is_packed()) {
    if (request.body) await unpack(request.body, posted, receiving, deadlines);
  } else if (posted.in_one_piece()) {
    const body = new Uint8Array(await request.arrayBuffer());
    deadlines.check();
    if (!receiving.over) posted.push(body);
  } else if (request.body) {
    for await (const chunk of request.body) {
      deadlines.check();
      if (receiving.over || !posted.push(chunk)) return;
    }
  }
}

// Unpacks a gzip body as it comes. What is refused is still received, but not unpacked.
async function unpack(body, posted, receiving, deadlines) {
  const { readable, writable } = new DecompressionStream("gzip");
  const writer = writable.getWriter();
  // Nothing of it may touch `posted` when its time is over, or its instance gone.
  const over = () => (deadlines.check(), receiving.over);
  let unpacking = true;
  const unpacked = (async () => {
    for await (const chunk of readable) if (over() || !posted.push(chunk)) break;
  })().finally(() => (unpacking = false));
  const failed = unpacked.then(() => false, () => true);
  const write = (work) => work.catch(() => {}); // the reading side says what is wrong
  for await (const chunk of body) {
    if (over() || !posted.push_packed(chunk.length)) return;
    for (let at = 0; unpacking && at < chunk.length; at += PIECE_BYTES) {
      await write(writer.write(chunk.subarray(at, at + PIECE_BYTES)));
    }
  }
  if (unpacking) await write(writer.close());
  if ((await failed) && !over()) posted.cannot_be_unpacked();
}

// Hands a shard what it is to store, and once more when what became of the first time is unknown: it recognises
// what it has.
async function deliver(env, posted, hop, deadlines) {
  const shard = posted.shard(hop);
  const body = posted.body(hop);
  for (let again = 0; again < 2; again++) {
    try {
      // A stub whose object broke stays broken; a new one reaches the object's next instance.
      const reply = env.LOG_BUFFER.getByName(`shard-${shard}`).append(body);
      return posted.settle(hop, await deadlines.within(posted.hop_timeout_ms(), reply));
    } catch (error) {
      if (error instanceof Broken) throw error;
      console.error(`shard ${shard} gave no answer: ${error.message}`);
      if (error.overloaded) return; // asking again makes that worse (Cloudflare, "Durable Objects: error handling")
    }
  }
}
