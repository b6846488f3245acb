// The trace page with what it must withstand, and for everyone: hostile logs, thousands of them, injected scripts, screen
// readers, narrow and dark screens.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { describe, test } from "node:test";
import { until } from "./chromium.mjs";
import { browser, count, live, newTrace, openStory, post, shown, visit, withBrowser } from "./page_support.mjs";

const { BASE, SHOTS, CHROMIUM_BIN } = process.env;
const axe = await readFile(new URL("../../node_modules/axe-core/axe.min.js", import.meta.url), "utf8");

async function assertNothingSerious(page, what) {
  await page.evaluate(axe);
  const { violations, passes } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  const told = violations.map(({ id, impact, nodes }) => `${impact} ${id}: ${nodes.slice(0, 3).map(({ html }) => html.slice(0, 160)).join(" | ")}`);
  console.log(`axe, ${what}: ${passes.length} rules passed; ${told.join("; ") || "no violations"}`);
  assert.deepEqual(told.filter((one) => /^(serious|critical)/.test(one)), [], what);
}

describe("the trace page", { skip: !CHROMIUM_BIN && "no Chromium" }, () => {
  withBrowser();

  test("what logs hold is only ever text", async () => {
    const trace = `<img src=x onerror=pwned=1>${newTrace()}`;
    const nasty = ["<script>window.pwned=1</script>", "<img src=x onerror=window.pwned=1>", "</style></pre><svg onload=window.pwned=1>", "javascript:window.pwned=1", "{{constructor.constructor('window.pwned=1')()}}", "\u202egnirts desrever", "a\u0000b\u001b[2J\u0007c", "&lt;b&gt; &amp;", "\ud83e", "𝕏\u0300\u0301\u0302\u0303", "]]>--><!--"];
    const fields = (text) => ({ trace_id: trace, level: "error", message: text || "-", stack: text, user_id: text.slice(0, 200), context: { [text || "-"]: text, __proto__: { polluted: text } } });
    await post([...nasty.map(fields), { ...fields("long"), stack: "x".repeat(1_000_000) }, { trace_id: trace, level: "log", message: "y ".repeat(500_000) }]);
    const page = await visit(`/?trace_id=${encodeURIComponent(trace)}`);
    await count(page, nasty.length + 2);
    for (const row of await page.locator("#rows .row").all()) await row.click();
    const told = await page.locator("#rows .message").allTextContents();
    for (const text of nasty.slice(0, 5)) assert.ok(told.includes(text), text);
    assert.ok(told.includes("‹U+202E›gnirts desrever") && told.includes("a␀b␛[2J␇c"), JSON.stringify(told));
    assert.equal(await page.locator("#trace-id").innerText(), trace);
    assert.equal(await page.locator("#rows img, #rows script, #rows svg, #rows style, #traces img, h2 img").count(), 0);
    assert.equal(await page.evaluate(() => window.pwned ?? {}.polluted), undefined);
    assert.match(await page.locator(".more").last().innerText(), /^Show 50 KB more of 1\.0 MB$/);
    assert.deepEqual(page.troubles, []);
  });

  // What a page has worked, in seconds of its thread's CPU time, while something was done and until it rested: the same on a machine
  // that does other things besides.
  const meter = async (page) => {
    const devtools = await page.context().newCDPSession(page);
    await devtools.send("Performance.enable", { timeDomain: "threadTicks" });
    const busy = async () => (await devtools.send("Performance.getMetrics")).metrics.find(({ name }) => name === "ThreadTime").value;
    const rest = () => page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestIdleCallback(done))));
    return async (what, action) => {
      const [begun, before] = [performance.now(), await busy()];
      await action();
      await rest();
      const seconds = (await busy()) - before;
      console.log(`${what}: ${seconds.toFixed(2)} s of CPU, ${Math.round(performance.now() - begun)} ms`);
      return seconds;
    };
  };
  async function openThousands(thousands) {
    const trace = newTrace();
    const at = Date.now() - 600_000;
    for (let from = 0; from < thousands * 1_000; from += 1_000) {
      await post(Array.from({ length: 1_000 }, (_, n) => ({ trace_id: trace, timestamp: at + (from + n) * 100, system: ["browser", "convex", "worker"][n % 3], level: n % 50 ? "log" : "error", message: `line ${from + n} ${"lorem ipsum ".repeat(n % 9)}` })));
    }
    const page = await visit();
    const works = await meter(page);
    const all = (number) => until(`${number} rows`, () => page.evaluate((number) => document.querySelectorAll("#rows li").length === number, number));
    const opened = await works(`${thousands},000 logs are opened`, async () => {
      await page.fill("#id", trace);
      await page.keyboard.press("Enter");
      await all(thousands * 1_000);
    });
    return { page, trace, works, all, opened };
  }

  test("five thousand logs are as quick to read, to filter and to follow as their number lets expect", async () => {
    const { opened: fewer } = await openThousands(1);
    const { page, trace, works, all, opened } = await openThousands(5);
    const most = (times, seconds, of, what) => assert.ok(seconds <= times * of, `${what}: ${seconds} s of CPU, more than ${times} times ${of} s`);
    most(8, opened, fewer, "five times the logs");
    const search = await works("a search leaves one", async () => {
      await page.fill("#find", "line 4999");
      await all(1);
    });
    most(0.5, search, opened, "a search");
    const again = await works("all of them again", async () => {
      await page.fill("#find", "");
      await all(5_000);
    });
    most(1.5, again, opened, "all again");
    await live(page);
    await works("its end", () => page.locator("#main").evaluate((main) => (main.scrollTop = main.scrollHeight)));
    const more = await works("one more", async () => {
      await post([{ trace_id: trace, level: "log", message: "the newest" }]);
      await all(5_001); // a search by its text is work of the page's too
    });
    most(0.5, more, opened, "one more");
    assert.equal(await page.locator("#rows li:last-child .message").innerText(), "the newest");
    await until("it scrolls along", () => page.evaluate(() => document.querySelector("#rows li:last-child").getBoundingClientRect().top < innerHeight));
  });

  test("a script that got into the page is blocked", async () => {
    const context = await browser.newContext();
    const page = await context.newPage();
    const blocked = [];
    page.on("console", (line) => line.type() === "error" && blocked.push(line.text()));
    await page.route(`${BASE}/`, async (route) => {
      const answer = await route.fetch();
      const body = (await answer.text()).replace("<main", "<script>window.pwned = 1</script><img src=x onerror='window.pwned = 2'><main");
      await route.fulfill({ response: answer, body });
    });
    await page.goto(BASE);
    await page.locator("#state[data-state]").waitFor();
    const tries = await page.evaluate(() => {
      const outcome = (action) => {
        try {
          action();
          return "done";
        } catch (error) {
          return error.name;
        }
      };
      const script = document.createElement("script");
      script.append("window.pwned = 3");
      return [
        outcome(() => (document.body.innerHTML += "<p>")),
        outcome(() => document.body.append(script)),
        outcome(() => (script.src = "https://evil.example/x.js")),
        outcome(() => document.body.setAttribute("onclick", "window.pwned = 4")),
      ];
    });
    await page.locator("#side-title").click();
    assert.equal(await page.evaluate(() => window.pwned), undefined);
    assert.deepEqual([tries[0], tries[2]], ["TypeError", "TypeError"]);
    const refusals = blocked.filter((text) => /Content Security Policy/.test(text));
    console.log(`blocked: ${refusals.map((text) => text.split("\n")[0].slice(0, 130)).join("\n         ")}`);
    assert.ok(refusals.length >= 3, JSON.stringify(blocked));
  });

  test("a screen reader hears of new logs now and then, not of each", async () => {
    const { page, trace } = await openStory();
    await live(page);
    await page.evaluate(() => {
      window.said = [];
      new MutationObserver(() => window.said.push(document.getElementById("say").textContent)).observe(document.getElementById("say"), { childList: true });
    });
    for (let n = 0; n < 30; n++) {
      await post([{ trace_id: trace, level: n % 10 ? "log" : "error", message: `said ${n}` }]);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    await count(page, 39);
    const all = (said) => said.reduce((sum, text) => sum + parseInt(text), 0) >= 30;
    const said = await until("all was told", async () => [await page.evaluate(() => window.said)].find(all), 15_000);
    console.log(`30 logs in 3 s were told as: ${JSON.stringify(said)}`);
    assert.ok(said.length <= 5, JSON.stringify(said));
    for (const text of said) assert.match(text, /^\d+ new logs?(, \d+ errors?)?$/);
    const roles = await page.evaluate(() => [document.getElementById("say").getAttribute("aria-live"), document.querySelectorAll("[aria-live], [role=status], [role=alert]").length]);
    assert.deepEqual(roles, ["polite", 2]);
  });

  for (const [name, options] of [
    ["light", { colorScheme: "light" }],
    ["dark", { colorScheme: "dark" }],
    ["narrow", { colorScheme: "light", viewport: { width: 360, height: 740 } }],
    ["narrow-dark", { colorScheme: "dark", viewport: { width: 360, height: 740 } }],
  ]) {
    test(`axe finds nothing serious, and nothing is cut off: ${name}`, async () => {
      const { page } = await openStory(options);
      const shot = (what) => page.screenshot({ path: `${SHOTS}/${name}-${what}.png` });
      await live(page);
      await shot("trace");
      await assertNothingSerious(page, `${name}, a trace`);
      await page.locator("#rows li.error .row").first().click();
      await shot("log");
      await assertNothingSerious(page, `${name}, an open log`);
      const wide = await page.evaluate(() => [document.documentElement, document.querySelector("main")].map((one) => one.scrollWidth - one.clientWidth));
      assert.deepEqual(wide, [0, 0], "nothing is wider than the window");
      await page.goto(BASE);
      await page.locator("#traces li").first().waitFor();
      await shot("list");
      await assertNothingSerious(page, `${name}, the list`);
      await page.evaluate(() => document.getElementById("token").showModal());
      await shot("token");
      await assertNothingSerious(page, `${name}, the token`);
    });
  }
});
