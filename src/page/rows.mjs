// The timeline: a row for each log, or for a line and its repeats. Rows out of sight cost next to nothing
// (content-visibility), rows that did not change are left alone, and thousands are made some at a time.
import { $, make, setText } from "./dom.mjs";
import { detailOf } from "./detail.mjs";
import { clock, duration, visible } from "./format.mjs";
import { SYSTEMS } from "./timeline.mjs";

const FIRST = 150; // rows made at once
const NEXT = 300; // and with each frame after that
const TEASER = 400; // characters of a message in its row
const PAUSE_MS = 1_000; // a gap that stands out
const BAR_MAX_MS = 10_000; // a gap that fills its bar

export function makeRows() {
  const list = $("rows");
  let cache = new Map(); // an entry's id: its row
  const ids = new WeakMap(); // and the other way around
  let shown = []; // in order
  let run = 0;
  let focus; // the id of the row the keyboard is at

  function build(row) {
    const { entry } = row;
    const parts = {
      offset: make("span", { class: "offset" }),
      gap: make("span", { class: "gap" }),
      lane: make("span", { class: `lane ${entry.system}`, "aria-hidden": "true" }),
    };
    const lane = Math.max(0, SYSTEMS.indexOf(entry.system));
    parts.lane.style.setProperty("--at", lane);
    const teaser = visible(entry.message.slice(0, TEASER)) + (entry.message.length > TEASER ? "…" : "");
    const marks = [entry.stack && "stack", entry.context && "context"].filter(Boolean);
    const button = make("button", { class: "row", "aria-expanded": "false", tabindex: "-1", title: clock(entry.timestamp) },
      parts.offset, parts.gap, parts.lane,
      make("span", { class: `sys ${SYSTEMS[lane]}` }, entry.system),
      make("span", { class: "level" }, entry.level),
      make("span", { class: "message" }, teaser),
      marks.length ? make("span", { class: "marks", "aria-hidden": "true" }, marks.join("  ")) : undefined);
    const item = make("li", { class: entry.level }, button);
    const made = { item, button, row, ...parts };
    ids.set(item, entry.id);
    button.addEventListener("click", () => toggle(made));
    button.addEventListener("focus", () => point(made));
    return made;
  }

  // With each new log all rows are looked at: what stays as it is must cost nothing.
  function update(made, row) {
    const { row: before, placed } = made;
    made.row = row;
    made.placed = true;
    const changed = before.entries.length !== row.entries.length;
    if (placed && !changed && before.offset === row.offset && before.gap === row.gap && before.after === row.after) return;
    setText(made.offset, `+${duration(row.offset)}`);
    setText(made.gap, row.gap === undefined ? "" : duration(row.gap));
    made.gap.classList.toggle("pause", row.gap >= PAUSE_MS);
    made.gap.style.setProperty("--bar", Math.min(1, Math.log1p(row.gap ?? 0) / Math.log1p(BAR_MAX_MS)).toFixed(2));
    made.lane.style.setProperty("--from", SYSTEMS.indexOf(row.after ?? row.entry.system));
    if (row.entries.length > 1) {
      if (!made.times) made.button.append((made.times = make("span", { class: "times" })));
      setText(made.times, `×${row.entries.length}`);
    } else if (made.times) {
      made.times.remove();
      made.times = undefined;
    }
    if (changed && made.detail) reopen(made);
  }

  function reopen(made) {
    const fresh = detailOf(made.row);
    made.detail.replaceWith(fresh);
    made.detail = fresh;
  }

  function toggle(made, open = !made.detail) {
    if (open === !!made.detail) return;
    made.item.classList.toggle("open", open);
    if (open) made.item.append((made.detail = detailOf(made.row)));
    else {
      made.detail.remove();
      made.detail = undefined;
    }
    made.button.setAttribute("aria-expanded", String(open));
  }

  // One row is in the page's tab order: the one the keyboard was at.
  function point(made) {
    const id = made.row.entry.id;
    if (focus !== id) cache.get(focus)?.button.setAttribute("tabindex", "-1");
    focus = id;
    made.button.setAttribute("tabindex", "0");
  }

  // Puts rows before `next`, the item that is there now, and returns the item after them.
  function place(rows, next) {
    for (const row of rows) {
      let made = cache.get(row.entry.id);
      if (!made) cache.set(row.entry.id, (made = build(row)));
      update(made, row);
      if (next === made.item) next = next.nextSibling;
      else list.insertBefore(made.item, next);
    }
    return next;
  }

  // The last first: from the front, or all at once, Chromium takes a time that grows with the square of their number
  // (content-visibility), for 5,000 a second.
  function remove(items) {
    for (const item of items.reverse()) item.remove();
  }

  return {
    render(rows) {
      const own = ++run;
      shown = rows;
      const kept = new Set(rows.map((row) => row.entry.id));
      remove([...list.children].filter((item) => !kept.has(ids.get(item))));
      const some = (from, count, before) => {
        if (own !== run) return;
        const to = Math.min(rows.length, from + count);
        const next = place(rows.slice(from, to), before);
        list.setAttribute("aria-busy", String(to < rows.length));
        if (to < rows.length) requestAnimationFrame(() => some(to, NEXT, next));
      };
      some(0, Math.max(FIRST, list.childElementCount + NEXT), list.firstChild);
      const first = cache.get(kept.has(focus) ? focus : rows[0]?.entry.id);
      if (first) point(first);
    },
    clear() {
      run += 1;
      cache = new Map();
      shown = [];
      focus = undefined;
      remove([...list.children]);
    },
    // Moves the keyboard by so many rows, or to the next one that fits.
    move(step, fits = () => true) {
      const here = list.contains(document.activeElement) ? shown.findIndex((row) => row.entry.id === focus) : step > 0 ? -1 : shown.length;
      let at = here + step;
      while (shown[at] && !fits(shown[at])) at += Math.sign(step);
      if (Math.abs(step) > 1) at = Math.max(0, Math.min(shown.length - 1, at));
      const made = shown[at] && cache.get(shown[at].entry.id);
      if (!made) return false;
      made.button.focus({ preventScroll: true });
      made.item.scrollIntoView({ block: "nearest" });
      return true;
    },
    reveal(timestamp) {
      const row = shown.find((one) => one.entry.timestamp >= timestamp) ?? shown.at(-1);
      const made = row && cache.get(row.entry.id);
      if (!made) return;
      made.item.scrollIntoView({ block: "center" });
      made.button.focus({ preventScroll: true });
    },
  };
}
