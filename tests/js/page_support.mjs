// What the tests of the trace page share: traces to show, and a Chromium to show them in.
import assert from "node:assert/strict";
import { after, before } from "node:test";
import { launch, until } from "./chromium.mjs";

const { BASE } = process.env;

export let browser;
export function withBrowser() {
  before(async () => (browser = await launch()));
  after(() => browser?.close());
}

let traces = 0;
export const newTrace = () => `trace_${Date.now()}_${String(traces++).padStart(9, "p")}`;

export async function post(logs, base = BASE) {
  const answer = await fetch(`${base}/log`, { method: "POST", body: JSON.stringify(logs) });
  const body = await answer.json();
  assert.equal(body.success, true, JSON.stringify(body).slice(0, 500));
}

// A trace with something of everything: `at` is its beginning, Unix ms.
export function story(trace, at = Date.now() - 60_000) {
  const log = (ms, system, level, message, more) => ({ trace_id: trace, system, level, message, timestamp: at + ms, user_id: "anna", ...more });
  return [
    log(0, "browser", "info", "Checkout opened", { context: { url: "https://app.example.com/checkout", cart: { items: 3, total: 129.9 } } }),
    log(310, "browser", "log", "POST /api/checkout"),
    log(355, "worker", "info", "→ POST /api/checkout"),
    log(402, "convex", "info", "checkout.create started", { context: { convex_function_name: "checkout:create" } }),
    ...Array.from({ length: 14 }, (_, n) => log(500 + n * 210, "convex", "warn", "payment provider answered 503, trying again")),
    log(6_120, "convex", "error", "PaymentError: provider unavailable", { stack: "PaymentError: provider unavailable\n    at charge (convex/payments.ts:41:11)\n    at handler (node_modules/convex/server.js:2:2)", context: { attempts: 14, retryable: true } }),
    log(6_230, "browser", "error", "Uncaught TypeError: Cannot read properties of undefined (reading 'total')"),
    log(14_100, "browser", "info", "User pressed “Try again”"),
    log(15_930, "manual", "log", "Checkout done"),
  ];
}

// A page of its own, with what it complains about.
export async function visit(path = "/", options = {}) {
  await Promise.all(browser.contexts().map((context) => context.close())); // nothing goes on behind the one we look at
  const context = await browser.newContext({ viewport: { width: 1280, height: 820 }, ...options });
  const page = await context.newPage();
  page.troubles = [];
  page.on("pageerror", (error) => page.troubles.push(String(error.stack)));
  page.on("console", (line) => line.type() === "error" && page.troubles.push(line.text()));
  await page.goto((options.base ?? BASE) + path);
  return page;
}
export const state = (page) => page.locator("#state").getAttribute("data-state");
export const live = (page) => until("the page is live", async () => (await state(page)) === "live");
export const rows = (page) => page.locator("#rows > li:visible");
export const count = (page, number) => until(`${number} rows`, async () => (await rows(page).count()) === number);
export const shown = (page, text) => page.locator("#rows .message", { hasText: text });

// Opens a trace and waits until it is there.
export async function openStory(options) {
  const trace = newTrace();
  await post(story(trace));
  const page = await visit(`/?trace_id=${trace}`, options);
  await count(page, 9);
  return { page, trace };
}
