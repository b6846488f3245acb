// What a log shows when it is opened: its whole message, stack, context and what else is known of it.
import { copy, make } from "./dom.mjs";
import { clock, duration, iso, plural, pretty, size, visible } from "./format.mjs";

const PART = 50_000; // characters of a text shown at a time: a browser takes long to lay out a megabyte
const SHORT = 120; // characters of a message that its row shows whole
const STACK_OPEN = 12; // lines of a stack shown at once

// A text in parts: the first, and a button for the next.
function long(text, render = (part) => [part]) {
  const shown = make("pre", { tabindex: "0" });
  let from = 0;
  const more = make("button", { class: "more", onclick: () => next() });
  const next = () => {
    let to = Math.min(text.length, from + PART);
    if (/[\ud800-\udbff]/.test(text[to - 1])) to += 1; // not in the middle of a character
    shown.append(...render(text.slice(from, to)));
    from = to;
    more.textContent = `Show ${size(Math.min(PART, text.length - from))} more of ${size(text.length)}`;
    if (from >= text.length) more.remove();
  };
  const both = make("div", {}, shown, more);
  next();
  return both;
}

const TOKEN = /("(?:[^"\\]|\\.)*")(\s*:)?|\b(true|false|null)\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

// JSON, its keys and values told apart by colour.
function coloured(json) {
  const parts = [];
  let from = 0;
  for (const match of json.matchAll(TOKEN)) {
    if (match.index > from) parts.push(json.slice(from, match.index));
    const kind = match[2] ? "key" : match[1] ? "string" : "value";
    parts.push(make("span", { class: kind }, match[1] ?? match[0]));
    if (match[2]) parts.push(match[2]);
    from = match.index + match[0].length;
  }
  return [...parts, json.slice(from)];
}

// Frames of the app stand out from those of its dependencies.
function frames(text) {
  return text.split("\n").map((line) =>
    make("span", { class: /node_modules|node:|webpack|<anonymous>|chrome-extension/.test(line) ? "far" : undefined }, `${line}\n`));
}

function folded(title, content, open) {
  const summary = make("summary", {}, title);
  return make("details", { open }, summary, content);
}

export function detailOf(row) {
  const { entry, entries } = row;
  const detail = make("div", { class: "detail" });
  if (entry.message.length > SHORT || entry.message.includes("\n")) detail.append(long(visible(entry.message)));
  if (entry.stack) {
    const lines = visible(entry.stack).split("\n");
    detail.append(folded(`Stack, ${plural(lines.length, "line")}`, long(lines.join("\n"), frames), lines.length <= STACK_OPEN));
  }
  if (entry.context) {
    const names = Object.keys(entry.context);
    detail.append(folded(`Context, ${plural(names.length, "field")}`, long(pretty(entry.context), coloured), true));
  }
  if (entries.length > 1) {
    const times = entries.map((one) => `${clock(one.timestamp)}  +${duration(one.timestamp - entry.timestamp)}`);
    detail.append(folded(`${entries.length} times in ${duration(entries.at(-1).timestamp - entry.timestamp)}`, long(times.join("\n")), false));
  }
  const facts = [["Time", iso(entry.timestamp)], ["User", entry.user_id], ["Log id", entry.id]].filter(([, value]) => value);
  detail.append(
    make("dl", {}, ...facts.map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, visible(String(value)))))),
    make("div", { class: "acts" },
      make("button", { class: "quiet", onclick: () => copy(entry.message, "Message") }, "Copy message"),
      make("button", { class: "quiet", onclick: () => copy(JSON.stringify(entry, null, 2), "Log") }, "Copy log as JSON")),
  );
  return detail;
}
