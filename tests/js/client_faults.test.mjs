// The log client over a bad network, in Node and in Chromium: every log handed in is stored once, or reported as dropped.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, describe, test } from "node:test";
import { createLogger } from "../../src/client/client.js";
import { launch, until } from "./chromium.mjs";
import { startProxy } from "./proxy.mjs";

const { BASE, REDIS, REDIS_TOKEN, CHROMIUM_BIN } = process.env;
const PER_SECOND = 150;
const LONG = "x".repeat(2_000); // some thirty logs a batch, so that many requests meet a fault
const GOOD_MS = 3_000; // before the network dies, and after it is back
const DEAD_MS = 10_000;
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// A trace as it is in Redis, past the worker, once nothing of it waits in the buffer.
async function stored(trace) {
  const read = await (await fetch(`${BASE}/logs?trace_id=${trace}`)).json();
  return until(`${trace} is in Redis`, async () => {
    const answer = await fetch(`${REDIS}/lrange/logs:${trace}/0/-1`, { headers: { Authorization: `Bearer ${REDIS_TOKEN}` } });
    const list = (await answer.json()).result.map((entry) => JSON.parse(entry));
    return list.length >= read.count && list;
  });
}

// Hands in logs at a steady pace while the network works badly, dies for 10 s, and comes back.
async function hardTimes(proxy, hand) {
  let handed = 0;
  const begun = Date.now();
  const over = GOOD_MS + DEAD_MS + GOOD_MS;
  const troubles = pause(GOOD_MS).then(proxy.die).then(() => pause(DEAD_MS)).then(proxy.revive);
  for (let at = 0; at < over; at = Date.now() - begun) {
    const due = Math.floor((at * PER_SECOND) / 1_000) - handed;
    if (due > 0) await hand(handed, due);
    handed += Math.max(due, 0);
    await pause(10);
  }
  await troubles;
  return handed;
}

async function assertNothingUntold(trace, handed, dropped, proxy) {
  const list = await stored(trace);
  const reports = list.filter((entry) => entry.context?.reasons);
  const messages = list.filter((entry) => !entry.context?.reasons).map((entry) => entry.message);
  const reported = reports.reduce((sum, entry) => sum + entry.context.dropped, 0);
  console.log({ handed, stored: messages.length, reported, faults: proxy.seen });
  assert.equal(new Set(list.map((entry) => entry.id)).size, list.length, "no id is stored twice");
  assert.equal(new Set(messages).size, messages.length, "no log is stored twice");
  assert.equal(messages.length + reported, handed);
  assert.equal(reported, dropped);
  assert.ok(dropped > 0, "the outage was too long for the queue, so some were dropped");
  for (const fault of ["lose the request", "lose the answer", "duplicate", "429", "503"]) assert.ok(proxy.seen[fault] > 0, fault);
}

describe("over a bad network", { concurrency: true }, () => {
  test("in Node every log is stored once or reported as dropped", async () => {
    const proxy = await startProxy(BASE, { share: 0.3, seed: 7 });
    const log = createLogger({ url: proxy.url, system: "worker" });
    const handed = await hardTimes(proxy, (from, count) => {
      for (let n = from; n < from + count; n++) log.info(`node ${n}`, { n, text: LONG });
    });
    await until("the client is done", async () => (await log.flush(5_000)) === 0, 90_000);
    await assertNothingUntold(log.getTraceId(), handed, log.getStatus().dropped, proxy);
    proxy.die();
  });

  describe("in Chromium", { skip: !CHROMIUM_BIN && "no Chromium", concurrency: true }, () => inChromium());
});

function inChromium() {
  let browser, context, site, origin;
  before(async () => {
    browser = await launch();
    context = await browser.newContext(); // closing a page's last context would not let it say goodbye
    site = createServer((_, response) => response.setHeader("Content-Type", "text/html").end("<!doctype html><title>app</title>"));
    await new Promise((resolve) => site.listen(0, "127.0.0.1", resolve));
    origin = `http://127.0.0.1:${site.address().port}`;
  });
  after(async () => {
    await browser?.close();
    site?.closeAllConnections();
    site?.close();
  });

  // A page of an app on another origin whose console is captured; the client is the worker's own.
  async function app(options) {
    const page = await context.newPage();
    await page.goto(origin);
    await page.evaluate(
      async ([from, given]) => {
        const { captureConsole } = await import(from);
        window.logger = captureConsole(given);
        window.logger.newTrace();
      },
      [`${BASE}/client.js`, options],
    );
    return page;
  }
  const traceOf = (page) => page.evaluate(() => window.logger.getTraceId());

  test("every log is stored once or reported as dropped", async () => {
    const proxy = await startProxy(BASE, { share: 0.3, seed: 11 });
    const page = await app({ url: proxy.url });
    const handed = await hardTimes(proxy, (from, count) =>
      page.evaluate(([from, count, text]) => {
        for (let n = from; n < from + count; n++) console.log("page", n, text);
      }, [from, count, LONG]),
    );
    await until("the client is done", () => page.evaluate(async () => (await window.logger.flush(5_000)) === 0), 90_000);
    const { dropped } = await page.evaluate(() => window.logger.getStatus());
    await assertNothingUntold(await traceOf(page), handed, dropped, proxy);
    proxy.die();
  });

  for (const [way, leave] of [
    ["is left for another", (page) => page.goto("about:blank")],
    ["is closed", (page) => page.close({ runBeforeUnload: true })],
  ]) {
    test(`what a page logged just before it ${way} arrives by beacon`, async () => {
      const proxy = await startProxy(BASE);
      const page = await app({ url: proxy.url });
      const trace = await traceOf(page);
      await page.evaluate(() => {
        for (let n = 0; n < 150; n++) console.log("burst", n); // the first hundred are sent at once, the rest waits
      });
      await leave(page);
      await until("all of the burst is stored", async () => (await stored(trace)).length >= 150);
      const list = await stored(trace);
      assert.equal(list.length, 150);
      assert.equal(new Set(list.map((entry) => entry.message)).size, 150);
      proxy.die();
    });
  }

  test("a page with a token leaves by a request that carries it", async () => {
    const proxy = await startProxy(BASE);
    const page = await app({ url: proxy.url, token: "for-the-test" });
    const trace = await traceOf(page);
    await page.evaluate(() => console.warn("last words"));
    await page.goto("about:blank");
    await until("the log is stored", async () => (await stored(trace)).length === 1);
    const { headers } = proxy.requests.find((request) => request.method === "POST");
    assert.equal(headers.authorization, "Bearer for-the-test");
    proxy.die();
  });

  test("a beacon stays within what a browser takes, and what did not fit is still there when the page comes back", async () => {
    const proxy = await startProxy(BASE);
    const page = await app({ url: proxy.url });
    const trace = await traceOf(page);
    await page.evaluate(() => {
      for (let n = 0; n < 40; n++) console.log(n, "x".repeat(4_000));
      dispatchEvent(new Event("pagehide"));
    });
    await until("all of it is stored", async () => (await stored(trace)).length >= 40);
    assert.equal((await stored(trace)).length, 40);
    const largest = Math.max(...proxy.requests.map(({ body }) => body.length));
    assert.ok(largest > 50_000 && largest <= 65_536, `${largest} bytes`);
    proxy.die();
  });

  test("what the sending itself tells the console is not sent", async () => {
    const page = await app({ url: BASE });
    await page.evaluate(async () => {
      const { fetch } = window;
      window.calls = 0;
      window.fetch = (...request) => {
        window.calls += 1;
        console.log("fetching", { get now() { return console.log("reading"); } });
        return fetch(...request);
      };
      console.log("once", { get now() { return console.log("reading"); } });
      await window.logger.flush();
    });
    assert.deepEqual(await page.evaluate(() => [window.calls, window.logger.getStatus().waiting]), [1, 0]);
    assert.deepEqual((await stored(await traceOf(page))).map(({ message }) => message), ["once {}"]);
  });

  test("a log of the console looks as the hand-written override made it", async () => {
    const page = await app({ url: BASE });
    await page.evaluate(async () => {
      window.logger.setUserId("anna");
      console.warn("cart", { items: 2 }, 7, null);
      await window.logger.flush();
    });
    const trace = await traceOf(page);
    const [entry] = await stored(trace);
    assert.match(trace, /^trace_\d{13}_[0-9a-z]{9}$/);
    const { id, timestamp, stack, context, ...rest } = entry;
    assert.deepEqual(rest, { trace_id: trace, user_id: "anna", system: "browser", level: "warn", message: 'cart {"items":2} 7 null' });
    assert.equal(typeof context.timestamp, "number");
    assert.equal(context.url, `${origin}/`);
    assert.match(context.userAgent, /Chrome/);
    assert.doesNotMatch(stack, /client\.js/, "the stack begins with whoever called the console");
  });
}
