// Starts the Chromium that CHROMIUM_BIN names, each time with an empty profile of its own.
import { chromium } from "playwright-core";

const QUIET = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

export const launch = () =>
  chromium.launch({ executablePath: process.env.CHROMIUM_BIN, headless: true, chromiumSandbox: false, args: QUIET });

// What a condition comes to, once it holds. Fails with what was waited for when it does not within the limit.
export async function until(what, condition, limit = 20_000) {
  for (const end = Date.now() + limit; ; await new Promise((resolve) => setTimeout(resolve, 25))) {
    const is = await condition();
    if (is) return is;
    if (Date.now() > end) throw new Error(`not within ${limit} ms: ${what}`);
  }
}
