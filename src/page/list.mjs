// The recent traces, newest first.
import { $, make, setText } from "./dom.mjs";
import { age, plural, visible } from "./format.mjs";

const SHOWN_MAX = 50; // as many as the worker tells of
const ID_MAX = 200; // characters of an id that are shown
const END = 9; // of them are always seen: by them ids of one second differ

export function makeList(open) {
  const traces = new Map();
  const items = new Map();
  let current;

  function item(id) {
    const link = make("a", { href: `/?trace_id=${encodeURIComponent(id)}` });
    link.addEventListener("click", (event) => {
      if (event.metaKey || event.ctrlKey || event.shiftKey) return;
      event.preventDefault();
      open(id);
    });
    const name = visible(id.slice(0, ID_MAX));
    const parts = {
      id: make("b", {}, make("span", {}, name.slice(0, -END)), make("span", {}, name.slice(-END))),
      age: make("time"),
      count: make("span", { class: "count" }),
      systems: make("span", { class: "systems" }),
      errors: make("em", { hidden: true }, "errors"),
    };
    link.append(make("span", { class: "first" }, parts.id, parts.age), make("span", { class: "line" }, parts.errors, parts.count, parts.systems));
    return { row: make("li", {}, link), link, ...parts, told: "" };
  }

  function update(shown, trace) {
    shown.errors.hidden = !trace.hasErrors;
    shown.row.classList.toggle("bad", trace.hasErrors);
    setText(shown.count, plural(trace.logCount, "log"));
    const told = trace.systems.join();
    if (shown.told !== told) shown.systems.replaceChildren(...trace.systems.map((name) => make("span", { class: `sys ${name}` }, name)));
    shown.told = told;
    setText(shown.age, age(Date.now() - trace.timestamp));
    shown.age.dateTime = new Date(trace.timestamp).toISOString();
    if (trace.id === current) shown.link.setAttribute("aria-current", "true");
    else shown.link.removeAttribute("aria-current");
  }

  function render() {
    const newest = [...traces.values()].sort((a, b) => b.timestamp - a.timestamp).slice(0, SHOWN_MAX);
    const kept = new Set(newest.map((trace) => trace.id));
    for (const id of [...traces.keys()]) if (!kept.has(id)) traces.delete(id);
    for (const [id, shown] of items) {
      if (kept.has(id)) continue;
      shown.row.remove();
      items.delete(id);
    }
    const list = $("traces");
    newest.forEach((trace, at) => {
      if (!items.has(trace.id)) items.set(trace.id, item(trace.id));
      const shown = items.get(trace.id);
      update(shown, trace);
      if (list.children[at] !== shown.row) list.insertBefore(shown.row, list.children[at] ?? null);
    });
    $("traces-empty").hidden = newest.length > 0;
    setText($("traces-empty"), "No traces yet. Post a log, and its trace is here.");
  }
  setInterval(() => document.hidden || render(), 5_000); // ages

  return {
    // What the worker says: all of the newest, or some that changed.
    add(some) {
      for (const trace of some) {
        const id = trace.trace_id ?? trace.id;
        traces.set(id, { ...trace, id });
      }
      render();
    },
    replace(all) {
      traces.clear();
      this.add(all);
    },
    clear() {
      traces.clear();
      render();
    },
    select(id) {
      current = id;
      render();
    },
    // The trace `step` places further on in the list.
    near(step) {
      const ids = [...$("traces").children].map((row) => [...items].find(([, shown]) => shown.row === row)?.[0]);
      const at = ids.indexOf(current);
      return ids[Math.max(0, Math.min(ids.length - 1, at < 0 ? 0 : at + step))];
    },
  };
}
