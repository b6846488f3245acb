// What a trace says: order, repeats, gaps, error chains, the way through the systems. Without the page: tests run it
// in Node.

export const SYSTEMS = ["browser", "convex", "worker", "manual"];
export const LEVELS = ["error", "warn", "info", "log"];
export const CHAIN_MS = 5_000; // errors no further apart belong together
const LED_TO_MAX = 3; // logs shown before the first error of a chain
const GAP_MS = 1_000; // silence worth telling

// Adds entries to those that are known, each once, by time and in order of arrival. Returns the new ones.
export function add(known, entries) {
  const ids = new Set(known.map((entry) => entry.id));
  const fresh = entries.filter(({ id }) => !ids.has(id) && ids.add(id));
  for (const entry of fresh) known.push(entry);
  if (fresh.length) known.sort((a, b) => a.timestamp - b.timestamp); // stable
  return fresh;
}

export function summary(entries) {
  const count = (key, names) => {
    const counts = Object.fromEntries(names.map((name) => [name, 0]));
    for (const entry of entries) counts[entry[key]] = (counts[entry[key]] ?? 0) + 1;
    return counts;
  };
  const first = entries[0]?.timestamp ?? 0;
  const last = entries.at(-1)?.timestamp ?? 0;
  return {
    count: entries.length,
    first,
    last,
    span: last - first,
    levels: count("level", LEVELS),
    systems: count("system", SYSTEMS),
    users: [...new Set(entries.map((entry) => entry.user_id).filter(Boolean))],
  };
}

const searched = new WeakMap();
function searchable(entry) {
  if (!searched.has(entry)) {
    const parts = [entry.message, entry.stack, entry.user_id, entry.context && JSON.stringify(entry.context)];
    searched.set(entry, parts.filter(Boolean).join("\n").toLowerCase());
  }
  return searched.get(entry);
}

// Whether a filter shows an entry. `hidden` names levels and systems; all words of `text` must be found.
export function shows({ hidden, text }, entry) {
  if (hidden.has(entry.level) || hidden.has(entry.system)) return false;
  return text.toLowerCase().split(/\s+/).every((word) => searchable(entry).includes(word));
}

const isRepeat = (a, b) => a.system === b.system && a.level === b.level && a.message === b.message && a.user_id === b.user_id;

// Entries as rows of the timeline, lines that repeat as one. `gap`: ms since the row before ended; `offset`: since the
// trace began.
export function rowsOf(entries, { collapse = true, start = entries[0]?.timestamp } = {}) {
  const rows = [];
  for (const entry of entries) {
    const row = rows.at(-1);
    if (collapse && row && isRepeat(row.entry, entry)) {
      row.entries.push(entry);
      continue;
    }
    const gap = row ? entry.timestamp - row.entries.at(-1).timestamp : undefined;
    rows.push({ entry, entries: [entry], gap, offset: entry.timestamp - start, after: row?.entry.system });
  }
  return rows;
}

// Errors that follow each other within 5 s, with the warnings between them and what came just before.
export function chainsOf(entries) {
  const chains = [];
  entries.forEach((entry, at) => {
    if (entry.level !== "error") return;
    const chain = chains.at(-1);
    if (chain && entry.timestamp - chain.end <= CHAIN_MS) {
      chain.links.push(...entries.slice(chain.at + 1, at).filter(({ level }) => level === "warn"), entry);
      chain.end = entry.timestamp;
      chain.at = at;
    } else {
      const before = entries.slice(Math.max(chain ? chain.at + 1 : 0, at - LED_TO_MAX), at);
      const ledTo = before.filter(({ timestamp }) => entry.timestamp - timestamp <= CHAIN_MS);
      chains.push({ start: entry.timestamp, end: entry.timestamp, at, ledTo, links: [entry] });
    }
  });
  return chains.map(({ start, end, ledTo, links }) => ({
    start,
    span: end - start,
    ledTo,
    links,
    errors: links.filter(({ level }) => level === "error").length,
    systems: [...new Set(links.map(({ system }) => system))],
  }));
}

// Which system spoke when: each stretch of logs of one, in order.
export function flowOf(entries) {
  const legs = [];
  for (const entry of entries) {
    let leg = legs.at(-1);
    if (leg?.system !== entry.system) {
      const handOver = leg ? entry.timestamp - leg.end : 0;
      legs.push((leg = { system: entry.system, start: entry.timestamp, end: 0, count: 0, errors: 0, handOver }));
    }
    leg.end = entry.timestamp;
    leg.count += 1;
    if (entry.level === "error") leg.errors += 1;
  }
  return legs;
}

// The longest silences, longest first.
export function gapsOf(entries, most = 5) {
  const gaps = entries.slice(1).map((after, at) => ({ before: entries[at], after, ms: after.timestamp - entries[at].timestamp }));
  return gaps.filter(({ ms }) => ms >= GAP_MS).sort((a, b) => b.ms - a.ms).slice(0, most);
}
