// The log client's decisions, without a network and on a clock of its own.
import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";
import { captureConsole, createLogger } from "../../src/client/client.js";

let answers, batches, times;

beforeEach(() => {
  mock.timers.reset();
  mock.timers.enable({ apis: ["setTimeout", "Date"], now: 1_750_000_000_000 });
  [answers, batches, times] = [[], [], []];
});

// A worker that gives these answers in turn, then takes everything. An answer is [status, body, headers], or an error.
async function worker(_, { body }) {
  batches.push(JSON.parse(body));
  times.push(Date.now());
  const [status, text, headers] = answers.shift() ?? [200, { rejected: [] }];
  if (status instanceof Error) throw status;
  return new Response(JSON.stringify(text), { status, headers });
}
const logger = (more) => createLogger({ url: "https://logs.example.com/", system: "worker", fetch: worker, ...more });
const settled = async () => {
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
};
async function pass(ms) {
  for (let left = ms; left > 0; left -= 100) {
    mock.timers.tick(Math.min(left, 100));
    await settled();
  }
}
const messages = (batch) => batch.map((entry) => entry.message);

test("logs of half a second go together, a full batch goes at once", async () => {
  const log = logger({ traceId: "t", userId: "u" });
  log.info("first", { n: 1 });
  log.error(new TypeError("second"));
  await pass(400);
  assert.equal(batches.length, 0);
  await pass(200);
  assert.equal(batches.length, 1);
  const [first, second] = batches[0];
  const { id, ...rest } = first;
  assert.deepEqual(rest, { trace_id: "t", message: "first", level: "info", system: "worker", user_id: "u", timestamp: 1_750_000_000_000, context: { n: 1 } });
  assert.match(id, /^[0-9a-z]{16}-1$/);
  assert.deepEqual([second.message, second.level], ["TypeError: second", "error"]);
  assert.match(second.stack, /client\.test\.mjs/);

  for (let n = 0; n < 100; n++) log.log(n);
  await pass(1);
  assert.equal(batches[1].length, 100);
  assert.equal(log.getStatus().waiting, 0);
});

test("of a batch that was rejected in part only what may come again does, under the same id", async () => {
  answers.push([200, { rejected: [{ index: 1, status: 503 }, { index: 2, status: 400 }] }]);
  const log = logger();
  for (const message of ["a", "b", "c"]) log.info(message);
  await pass(5_000);
  assert.deepEqual(messages(batches[1]), ["b"]);
  assert.equal(batches[1][0].id, batches[0][1].id);
  assert.deepEqual([log.getStatus().waiting, log.getStatus().dropped], [0, 1]);
  assert.deepEqual(batches[2][0].context, { dropped: 1, reasons: { "refused: 400": 1 } });
  assert.deepEqual([batches[2][0].level, batches[2][0].message], ["warn", "The log client dropped 1 logs"]);
});

test("Retry-After is kept, in seconds and as a date", async () => {
  answers.push([503, {}, { "Retry-After": "7" }], [429, {}, { "Retry-After": new Date(Date.now() + 60_000).toUTCString() }]);
  const log = logger();
  log.info("a");
  await pass(90_000);
  assert.equal(times.length, 3);
  assert.ok(times[1] - times[0] >= 7_000 && times[1] - times[0] < 8_000, `${times[1] - times[0]}`);
  assert.ok(times[2] >= 1_750_000_060_000 && times[2] < 1_750_000_067_000);
});

test("without an answer it asks less and less often, never all clients at once", async () => {
  const gaps = async () => {
    [times, batches] = [[], []];
    for (let n = 0; n < 8; n++) answers.push([new TypeError("offline")]);
    const log = logger();
    log.info("a");
    await pass(400_000);
    assert.deepEqual([batches.length, log.getStatus().waiting], [9, 0]);
    return times.slice(1).map((time, n) => time - times[n]);
  };
  const first = await gaps();
  first.forEach((gap, n) => {
    const most = Math.min(60_000, 1_000 * 2 ** n);
    assert.ok(gap >= most / 2 && gap <= most + 200, `${gap} of ${most}`);
  });
  assert.notDeepEqual(await gaps(), first);
});

test("what is over a quota waits for its end, and other traces do not wait with it", async () => {
  const rejected = [{ index: 0, status: 429 }];
  answers.push([200, { rejected }, { RateLimit: '"worker";r=8;t=59, "trace";r=0;t=60' }]);
  const log = logger();
  const other = log.with({ traceId: "other" });
  log.info("over");
  other.info("under");
  await pass(2_000);
  other.info("later");
  await pass(50_000);
  assert.deepEqual(batches.map(messages), [["over", "under"], ["later"]]);
  await pass(20_000);
  assert.deepEqual(batches.map(messages), [["over", "under"], ["later"], ["over"]]);
  assert.deepEqual(batches[2][0].id, batches[0][0].id);
});

test("a quota that ends when the log is too old to come again costs the log, and that is told", async () => {
  answers.push([429, { rejected: [{ index: 0, status: 429 }] }, { "Retry-After": "3500" }]);
  const log = logger();
  log.info("over");
  await pass(1_000);
  assert.deepEqual([log.getStatus().waiting, log.getStatus().dropped], [0, 1]);
  log.info("next hour");
  await pass(2_000);
  assert.deepEqual(batches.at(-1)[0].context.reasons, { "over quota": 1 });
});

test("the queue is bounded, and what it could not hold is told when the worker is back", async () => {
  for (let n = 0; n < 3; n++) answers.push([new TypeError("offline")]);
  const log = logger();
  for (let n = 0; n < 1_200; n++) log.info(n);
  assert.deepEqual([log.getStatus().waiting, log.getStatus().dropped], [1_000, 200]);
  await pass(30_000);
  const arrived = new Set(batches.slice(3).flat().filter((entry) => !entry.context).map((entry) => entry.message));
  assert.equal(arrived.size, 1_000);
  const reports = batches.flat().filter((entry) => entry.context?.dropped);
  assert.deepEqual(reports.map((entry) => entry.context), [{ dropped: 200, reasons: { "queue full": 200 } }]);

  const long = "x".repeat(1_000_000);
  for (let n = 0; n < 6; n++) answers.push([new TypeError("offline")]);
  for (let n = 0; n < 6; n++) log.info(long);
  assert.equal(log.getStatus().waiting, 4, "4 MB");
});

test("a report that gets lost is told again, with what was lost since", async () => {
  answers.push([400, {}]);
  const log = logger();
  log.info("refused");
  await pass(1_000);
  answers.push([200, { rejected: [] }], [400, {}]); // the second is the report's
  log.info("a");
  await pass(2_000);
  log.info("b");
  await pass(2_000);
  const told = batches.flat().filter((entry) => entry.context?.dropped);
  assert.deepEqual(told.map((entry) => entry.context.dropped), [1, 1]);
  assert.deepEqual([log.getStatus().dropped, log.getStatus().waiting], [1, 0]);
});

test("what is older than the worker's memory of ids is never sent again", async () => {
  const log = logger();
  answers.push([503, {}, { "Retry-After": "3060" }]);
  log.info("old");
  await pass(1_000);
  mock.timers.tick(3_400_000);
  await settled();
  assert.equal(batches.length, 1);
  assert.deepEqual([log.getStatus().waiting, log.getStatus().dropped], [0, 1]);
});

test("nothing that can be logged, and no worker, makes it throw or lose a log", async () => {
  const cycle = { name: "cycle" };
  cycle.self = cycle;
  const trap = { get secret() { throw new Error("no"); } };
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  const deep = {};
  let at = deep;
  for (let n = 0; n < 100_000; n++) at = at.next = {};
  const values = [undefined, null, "", Symbol("s"), 12n, NaN, () => 1, cycle, trap, proxy, deep, Object.create(null), new Map([[1, { a: 2n }]]), new Date(NaN), { toJSON() { throw 1; } }, { nodeType: 1, nodeName: "DIV", owner: cycle }, "\ud83e"];
  const log = logger();
  for (const value of values) log.warn(value, { value });
  log.warn("proxy as context", proxy);
  log.warn("text as context", "text");
  log.with().error("with nothing");
  const sent = values.length + 3;
  await pass(1_000);
  assert.equal(batches[0].length, sent);
  assert.ok(batches[0].every((entry) => typeof entry.message === "string" && entry.message !== ""));
  assert.deepEqual(messages(batches[0]).slice(0, 8), ["undefined", "null", "(empty)", "Symbol(s)", "12", "NaN", "() => 1", '{"name":"cycle","self":"[circular]"}']);
  assert.equal(messages(batches[0])[12], '[[1,{"a":"2"}]]');

  const broken = createLogger({ url: "x", fetch: () => { throw new Error("sync"); } });
  broken.info("a");
  await pass(1_000);
  assert.equal(broken.getStatus().waiting, 1);
});

test("flush waits for what is sent again, and says what still waits when its time is over", async () => {
  answers.push([503, {}, { "Retry-After": "2" }]);
  const log = logger();
  log.info("a");
  const flushed = log.flush();
  await pass(4_000);
  assert.equal(await flushed, 0);

  answers.push([503, {}, { "Retry-After": "60" }]);
  log.info("b");
  assert.equal(await log.flush(5_000), 1);
});

test("without an address nothing is sent, and on a server no console is captured", async () => {
  const { log } = console;
  const captured = captureConsole({ url: undefined, fetch: worker });
  assert.equal(console.log, log);
  captured.info("a");
  await pass(5_000);
  captured.reset();
  assert.deepEqual([batches.length, captured.getStatus().waiting], [0, 0]);
});

test("users and traces are set as in the console override", () => {
  const log = captureConsole({ url: "x", fetch: worker });
  assert.equal(log.getUserId(), "anonymous");
  log.setUserId("anna");
  const first = log.getTraceId();
  assert.equal(log.getTraceId(), first);
  const second = log.newTrace();
  assert.match(second, /^trace_1750000000000_[0-9a-z]{9}$/);
  assert.notEqual(second, first);
  log.setTraceId("mine");
  assert.deepEqual([log.getTraceId(), log.getUserId()], ["mine", "anna"]);
});
