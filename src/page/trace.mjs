// One trace: what is known of it, which of it is shown, and what can be taken away.
import { ask, traceUrl } from "./api.mjs";
import { $, copy, make, save, say, setText } from "./dom.mjs";
import { clock, duration, iso, plural, visible } from "./format.mjs";
import { follow } from "./live.mjs";
import { markdown } from "./markdown.mjs";
import { makeOverview } from "./overview.mjs";
import { makeRows } from "./rows.mjs";
import { LEVELS, SYSTEMS, add, rowsOf, shows, summary } from "./timeline.mjs";

const BOTTOM_PX = 60; // this near to the end counts as reading along
const TITLE_MAX = 300; // characters of an id that are shown

// `changed` is told of the feed's state, `refused` when the worker does not let us read, `warn` what to put up.
export function makeTrace({ changed, refused, warn }) {
  const rows = makeRows();
  const overview = makeOverview(rows.reveal);
  const scroller = $("main");
  const filter = { hidden: new Set(), text: "" };
  let entries = [];
  let id, feed, known, frame;
  let failure, partial, missed; // what may be wrong with what is shown
  let told = "";

  // --- what is shown ---

  const toggles = new Map();
  for (const [group, names] of [["levels", LEVELS], ["systems", SYSTEMS]]) {
    for (const name of names) {
      const count = make("b");
      const button = make("button", { class: `toggle ${name}`, "aria-pressed": "true", hidden: true }, name, " ", count);
      button.addEventListener("click", () => {
        if (!filter.hidden.delete(name)) filter.hidden.add(name);
        button.setAttribute("aria-pressed", String(!filter.hidden.has(name)));
        render();
        tellShown();
      });
      toggles.set(name, { button, count });
      $(group).append(button);
    }
  }
  let typing;
  $("find").addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(() => {
      filter.text = $("find").value.trim();
      render();
      tellShown();
    }, 120);
  });
  $("repeats").addEventListener("click", () => {
    const folds = $("repeats").getAttribute("aria-pressed") !== "true";
    $("repeats").setAttribute("aria-pressed", String(folds));
    render();
  });
  const picked = () => entries.filter((entry) => shows(filter, entry));
  const tellShown = () => say(`${plural(picked().length, "log")} of ${entries.length} shown`);

  function render() {
    frame = undefined;
    const all = summary(entries);
    const some = picked();
    const { levels, systems } = all;
    for (const [name, { button, count }] of toggles) {
      const number = levels[name] ?? systems[name] ?? 0;
      button.hidden = number === 0 && !filter.hidden.has(name);
      setText(count, String(number));
    }
    const facts = [plural(all.count, "log")];
    if (levels.error) facts.push(plural(levels.error, "error"));
    if (all.count) facts.push(duration(all.span), `${clock(all.first)} to ${clock(all.last)}`);
    if (all.users.length) facts.push(all.users.slice(0, 3).map((user) => visible(user.slice(0, 60))).join(", "));
    if (some.length !== all.count) facts.push(`${some.length} shown`);
    setText($("facts"), facts.join("  ·  "));
    $("facts").title = all.count ? `${iso(all.first)} to ${iso(all.last)}` : "";
    $("none").hidden = some.length > 0;
    if (known) setText($("none"), all.count ? "Nothing fits the filter." : "No logs of this trace, yet. They are kept for an hour, and new ones appear here by themselves.");
    else setText($("none"), "Reading…");
    rows.render(rowsOf(some, { collapse: $("repeats").getAttribute("aria-pressed") === "true", start: all.first }));
    overview.draw(some);
  }
  const renderSoon = () => (frame ??= requestAnimationFrame(render));

  // --- what comes in ---

  const atEnd = () => scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < BOTTOM_PX;
  let unseen = 0; // below what is on the screen
  let untold = []; // to a screen reader

  function take(logs, live) {
    const reading = known && scroller.scrollHeight > scroller.clientHeight && atEnd();
    const fresh = add(entries, logs);
    if (!fresh.length) return;
    renderSoon();
    if (!known || !live) return;
    untold.push(...fresh);
    say(tellNew);
    if (reading) requestAnimationFrame(() => requestAnimationFrame(toEnd));
    else if (scroller.scrollHeight > scroller.clientHeight) {
      unseen += fresh.length;
      setText($("newer"), `↓ ${plural(unseen, "new log")}`);
      $("newer").hidden = false;
    }
  }
  function tellNew() {
    const errors = untold.filter((entry) => entry.level === "error").length;
    const text = plural(untold.length, "new log");
    untold = [];
    return errors ? `${text}, ${plural(errors, "error")}` : text;
  }
  function toEnd() {
    scroller.scrollTop = scroller.scrollHeight;
    unseen = 0;
    $("newer").hidden = true;
  }
  $("newer").addEventListener("click", toEnd);
  scroller.addEventListener("scroll", () => {
    if (!atEnd()) return;
    unseen = 0;
    $("newer").hidden = true;
  }, { passive: true });

  async function read() {
    const own = id;
    try {
      const answer = await ask(traceUrl(own));
      if (own !== id) return;
      partial = answer.partial && "Redis is away: these are the logs that wait for it, others may be missing.";
      const first = !known;
      known = true;
      failure = undefined;
      take(answer.logs, !first);
      if (first) render();
      tellTroubles();
    } catch (refusal) {
      if (own === id && [401, 403].includes(refusal.status)) refused(refusal);
      else if (own === id && refusal.status) {
        failure = `${refusal.message}.`;
        tellTroubles();
      }
      throw refusal;
    }
  }

  function frameOf(message) {
    if (message.type === "logs") take(message.logs, true);
    if (message.type === "missed") {
      missed = (missed ?? 0) + message.count;
      tellTroubles();
      feed.reread();
    }
    if (message.type === "cleared") {
      entries = [];
      rows.clear();
      render();
      say("The trace was cleared");
      warn("This trace was cleared.");
    }
  }

  function tellTroubles() {
    const notes = notesOf().join(" ");
    if (notes !== told) warn((told = notes));
  }
  const notesOf = () => [
    failure,
    partial,
    missed && `${plural(missed, "log")} did not come over the live connection; the trace was read again.`,
  ].filter(Boolean);

  // --- what can be taken away: what the filter shows ---

  const name = () => `trace-${id.replace(/[^\w-]+/g, "_").slice(0, 80)}`;
  const asJson = () => {
    const logs = picked();
    return JSON.stringify({ trace_id: id, count: logs.length, retrieved_at: Date.now(), logs }, null, 2);
  };
  const asMarkdown = () => {
    const some = picked();
    const left = entries.length - some.length;
    return markdown(id, some, [...notesOf(), ...(left ? [`A filter is set: ${plural(left, "log")} of the trace are not here.`] : [])]);
  };
  const copyMarkdown = () => copy(asMarkdown(), "Markdown");
  $("copy-md").addEventListener("click", copyMarkdown);
  $("copy-json").addEventListener("click", () => copy(asJson(), "JSON"));
  $("save-md").addEventListener("click", () => save(asMarkdown(), "text/markdown", `${name()}.md`));
  $("save-json").addEventListener("click", () => save(asJson(), "application/json", `${name()}.json`));
  $("copy-id").addEventListener("click", () => copy(id, "Id"));

  function close() {
    feed?.stop();
    cancelAnimationFrame(frame);
    [entries, untold, unseen, told] = [[], [], 0, ""];
    id = feed = known = frame = failure = partial = missed = undefined;
    $("newer").hidden = true;
    rows.clear();
  }

  return {
    close,
    open(wanted) {
      close();
      id = wanted;
      setText($("trace-id"), visible(id.slice(0, TITLE_MAX)));
      filter.hidden.clear();
      filter.text = $("find").value = "";
      for (const { button } of toggles.values()) button.setAttribute("aria-pressed", "true");
      render();
      scroller.scrollTop = 0;
      feed = follow(`trace_id=${encodeURIComponent(id)}`, { read, frame: frameOf, changed });
    },
    get feed() {
      return feed?.feed;
    },
    move: rows.move,
    copyMarkdown,
    clearSearch() {
      if (!filter.text) return false;
      filter.text = $("find").value = "";
      render();
      return true;
    },
  };
}
