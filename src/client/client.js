// The log client: one ES module for browsers, Node, Convex actions and Workers. The worker serves it at /client.js.
//
// It hands in each log with an id of its own, so whatever is unclear is simply sent again: a log is stored once, or it
// is counted as dropped, and that count is sent as a log when one can be. It never throws into the app, never uses the
// console, and forgets nothing but what `getStatus().dropped` tells.

const FLUSH_MS = 500; // how long a log waits for company
const BATCH_LOGS = 100;
const BATCH_BYTES = 60 * 1024; // a page that goes away may send 64 KB (Fetch, "inflight keepalive bytes")
const QUEUE_LOGS = 1_000;
const QUEUE_BYTES = 4 * 1024 * 1024;
const ANSWER_MS = 15_000; // longer than the worker takes for its worst case
const BACKOFF_MS = 1_000; // doubled with each failure, up to
const BACKOFF_MAX_MS = 60_000;
// The worker knows an id, and takes a timestamp, for an hour: what is older could be stored twice, or out of place.
const AGE_MAX_MS = 50 * 60_000;
// What of a logged object is told: all of a usual one, little of a page's whole component tree.
const DEPTH_MAX = 12;
const PARTS_MAX = 5_000;

const CAPTURED = ["log", "info", "warn", "error"];
const encoder = new TextEncoder();

const random = (length) =>
  Array.from(crypto.getRandomValues(new Uint8Array(length)), (byte) => (byte % 36).toString(36)).join("");
const newTraceId = () => `trace_${Date.now()}_${random(9)}`;

// A value as JSON, whatever it holds: cycles, BigInts, elements of the page, getters that throw.
function toJson(make) {
  const above = [];
  let parts = 0;
  try {
    return JSON.stringify(make(), function (_, part) {
      if (typeof part === "bigint") return String(part);
      if (typeof part !== "object" || part === null) return part;
      while (above.length && above.at(-1) !== this) above.pop();
      if (above.includes(part)) return "[circular]";
      if (part instanceof Error) return part.stack || String(part);
      if (part.nodeType && part.nodeName) return `[${part.nodeName}]`;
      if (above.length > DEPTH_MAX || ++parts > PARTS_MAX) return "[…]";
      if (part instanceof Map || part instanceof Set) part = [...part];
      above.push(part);
      return part;
    });
  } catch {
    return '{"unreadable":true}';
  }
}

function toText(value) {
  try {
    return (typeof value === "object" && value && !(value instanceof Error) && toJson(() => value)) || String(value);
  } catch {
    return "[unreadable]";
  }
}

// The stack of an error; nothing of anything else.
function stackOf(value) {
  try {
    return value instanceof Error ? String(value.stack) : undefined;
  } catch {
    return undefined;
  }
}

// The queue and what empties it. `put` takes a log, `flush` sends what waits, `leave` what fits when the page goes.
function makeSender({ url, token, fetch: given }) {
  const target = `${String(url).replace(/\/+$/, "")}/log`;
  const headers = token ? { Authorization: `Bearer ${token}` } : {}; // without one, no preflight either
  let queue = []; // {json, size, born, at: not before, report}
  let bytes = 0;
  let lost = {}; // why: how many, not yet reported
  let dropped = 0;
  let reporting = false;
  let failures = 0;
  let resumeAt = 0;
  let sending;
  let timer;
  let due = Infinity;
  let prefix;
  let count = 0;

  function put(log, report) {
    if (!url) return; // not configured
    const now = Date.now();
    const { context, ...rest } = log;
    const id = `${(prefix ??= random(16))}-${(++count).toString(36)}`;
    const more = toJson(() => Object.assign({}, ...context));
    let json = toJson(() => ({ id, timestamp: now, ...rest }));
    if (more !== "{}") json = `${json.slice(0, -1)},"context":${more}}`;
    const size = encoder.encode(json).length + 1;
    while (!report && (queue.length >= QUEUE_LOGS || bytes + size > QUEUE_BYTES)) {
      const waiting = queue.find((entry) => entry.at > now); // for a quota: the new log may be of another
      if (!waiting) return lose("queue full");
      settle([waiting], "queue full");
    }
    queue.push({ json, size, report, born: now, at: 0 });
    bytes += size;
    schedule();
  }

  function lose(why, report) {
    if (report) reporting = false;
    else dropped += 1;
    for (const [reason, logs] of Object.entries(report ?? { [why]: 1 })) lost[reason] = (lost[reason] ?? 0) + logs;
  }

  // Takes entries out of the queue: they are stored, or lost for a reason.
  function settle(entries, why) {
    const gone = new Set(entries);
    queue = queue.filter((entry) => !gone.has(entry));
    for (const { size, report } of gone) {
      bytes -= size;
      if (why) lose(why, report);
      else if (report) reporting = false;
    }
  }

  // What was lost becomes a log of its own, of the trace that was logged last.
  let last = {};
  function report() {
    const logs = Object.values(lost).reduce((sum, some) => sum + some, 0);
    if (!logs || reporting) return;
    const reasons = lost;
    lost = {};
    reporting = true;
    const message = `The log client dropped ${logs} logs`;
    put({ ...last, level: "warn", message, stack: undefined, context: [{ dropped: logs, reasons }] }, reasons);
  }

  function take(most, limit, leaving) {
    const now = Date.now();
    let size = 2;
    return queue.filter((entry) => {
      const fits = size + entry.size <= limit || (size === 2 && !leaving); // one that is too large goes alone
      if (entry.at > now || !most || !fits || (leaving && entry.left)) return false;
      size += entry.size;
      most -= 1;
      return true;
    });
  }
  const bodyOf = (entries) => `[${entries.map((entry) => entry.json).join()}]`;
  const call = (body, more) =>
    quietly(() => (given ?? fetch)(target, { method: "POST", body, headers, credentials: "omit", ...more }));

  const earliest = () => Math.min(...queue.map((entry) => entry.at));

  // When to send next: at once when a batch is full, soon when something is ready, later when all of it waits.
  function schedule() {
    if (sending || !queue.length) return;
    const now = Date.now();
    const ready = queue.filter((entry) => entry.at <= now);
    const full = ready.length >= BATCH_LOGS || ready.reduce((sum, { size }) => sum + size, 0) >= BATCH_BYTES;
    const at = Math.max(resumeAt, ready.length ? now + (full ? 0 : FLUSH_MS) : earliest());
    if (at >= due && due > now - FLUSH_MS) return; // a timer that is long overdue went with its request, in a Worker
    clearTimeout(timer);
    due = at;
    timer = setTimeout(send, at - now);
    if (failures) timer.unref?.(); // a Node process need not stay for a worker that does not answer
  }

  function send() {
    return (sending ??= attempt().catch(() => {}).then(() => {
      sending = undefined;
      due = Infinity;
      schedule();
    }));
  }

  async function attempt() {
    const now = Date.now();
    settle(queue.filter((entry) => entry.born + AGE_MAX_MS < now), "expired");
    const batch = take(BATCH_LOGS, BATCH_BYTES);
    if (!batch.length || now < resumeAt) return;
    let response, answer;
    try {
      response = await call(bodyOf(batch), { signal: globalThis.AbortSignal?.timeout?.(ANSWER_MS) });
      answer = await response.json();
    } catch {
      // No answer, or half of one: what became of the logs shows when they are sent again.
    }
    if (Array.isArray(answer?.rejected)) judge(batch, answer.rejected, response);
    else if (!response || response.ok || [408, 425, 429].includes(response.status) || response.status > 499) pause(response);
    else settle(batch, `refused: ${response.status}`);
  }

  // Each log of a batch by what the worker says of it.
  function judge(batch, rejected, response) {
    const fates = new Map(rejected.map(({ index, status }) => [index, status]));
    const now = Date.now();
    const stored = [];
    let again = false;
    batch.forEach((entry, index) => {
      const status = fates.get(index);
      if (!status) stored.push(entry);
      else if (status === 429) {
        // Over a quota: the others need not wait with it.
        entry.at = now + (retryAfter(response) || BACKOFF_MAX_MS);
        if (entry.at > entry.born + AGE_MAX_MS) settle([entry], "over quota");
      } else if (status > 499) again = true;
      else settle([entry], `refused: ${status}`);
    });
    settle(stored);
    if (again) return pause(response);
    failures = 0;
    if (stored.length) report();
  }

  // Milliseconds the worker asks to wait: by Retry-After, or until the quota that is used up begins again.
  function retryAfter(response) {
    const asked = response?.headers.get("Retry-After");
    const seconds = Number(asked ?? /r=0;t=(\d+)/.exec(response?.headers.get("RateLimit"))?.[1]);
    const ms = seconds >= 0 ? seconds * 1_000 : Date.parse(asked) - Date.now();
    return ms > 0 ? ms * (1 + Math.random() / 10) : 0;
  }

  function pause(response) {
    const backoff = Math.min(BACKOFF_MAX_MS, BACKOFF_MS * 2 ** failures++) * (0.5 + Math.random() / 2);
    resumeAt = Date.now() + (retryAfter(response) || backoff);
  }

  async function flush(ms = 10_000) {
    const until = Date.now() + ms;
    while (queue.length) {
      await send();
      const next = Math.max(resumeAt, earliest());
      if (next > until) break;
      const wait = next - Date.now();
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    }
    return queue.length;
  }

  // The page goes away, perhaps for good. What is on its way goes with the rest: its request may be cut off. Should the
  // page come back, all of it is sent again, and recognised.
  function leave() {
    report();
    for (let limit = BATCH_BYTES; limit > 1_000; limit /= 2) {
      const batch = take(QUEUE_LOGS, limit, true);
      if (!batch.length) return;
      const body = bodyOf(batch);
      if (token) call(body, { keepalive: true })?.catch(() => {});
      else if (!navigator.sendBeacon(target, body)) continue; // the app's own beacons took some of the room
      for (const entry of batch) entry.left = true;
      return;
    }
  }

  if (typeof document === "object") {
    addEventListener("pagehide", () => quietly(leave));
    addEventListener("online", () => {
      resumeAt = 0;
      send();
    });
    // The last event of a page on a phone.
    document.addEventListener("visibilitychange", () => document.hidden && quietly(leave));
  }

  return {
    put: (log) => put((last = log)),
    flush,
    status: () => ({ waiting: queue.length, dropped }),
  };
}

// A log must never break what it tells of. And what its formatting or its sending tells the console (a getter, a
// wrapped fetch) is not logged: that would not end.
let busy = false;
function quietly(action) {
  const before = busy;
  busy = true;
  try {
    return action();
  } catch {
    // Nothing of it reaches the app.
  } finally {
    busy = before;
  }
}

function makeLogger(sender, { system, traceId, userId, context }) {
  const write = (level, message, stack, more) => // also what captureConsole calls
    sender.put({
      trace_id: (traceId ||= newTraceId()),
      message: message || "(empty)",
      level,
      system,
      user_id: userId,
      stack,
      context: [context, more],
    });
  const logger = {
    write,
    flush: sender.flush,
    with: (fields = {}) =>
      makeLogger(sender, { system, userId, traceId: logger.getTraceId(), ...fields, context: { ...context, ...fields.context } }),
    setTraceId: (id) => void (traceId = String(id)),
    newTrace: () => (traceId = newTraceId()),
    getTraceId: () => (traceId ||= newTraceId()),
    setUserId: (id) => void (userId = String(id)),
    getUserId: () => userId,
    getStatus: () => ({ traceId: logger.getTraceId(), userId, ...sender.status() }),
  };
  for (const level of [...CAPTURED, "debug"]) {
    logger[level] = (message, more) =>
      void (busy || quietly(() => write(level, toText(message), stackOf(message), more)));
  }
  return logger;
}

export function createLogger(options = {}) {
  return makeLogger(makeSender(options), options);
}

const KEY = Symbol.for("log-ingestion-client"); // a module that is loaded twice captures once

export function captureConsole(options) {
  if (console[KEY]) return console[KEY];
  const logger = createLogger({ system: "browser", userId: "anonymous", ...options });
  logger.reset = () => {};
  if (typeof window !== "object") return logger; // rendered on a server: nothing is captured there
  let capturing = true;
  const restore = CAPTURED.map((level) => {
    const original = console[level];
    const capture = (...values) => {
      original.apply(console, values);
      if (!capturing || busy) return;
      quietly(() => {
        let stack = level === "warn" || level === "error" ? values.map(stackOf).find(Boolean) : "";
        if (stack === undefined) {
          const here = new Error();
          Error.captureStackTrace?.(here, capture); // begins with whoever called the console
          ({ stack } = here);
        }
        const more = { timestamp: Date.now(), url: location.href, userAgent: navigator.userAgent };
        logger.write(level, values.map(toText).join(" "), stack || undefined, more);
      });
    };
    console[level] = capture;
    return () => console[level] === capture && (console[level] = original);
  });
  logger.reset = () => {
    capturing = false;
    for (const put of restore) put();
    delete console[KEY];
    logger.flush();
  };
  return (console[KEY] = logger);
}
