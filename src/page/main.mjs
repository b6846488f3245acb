// The page as a whole: which trace is open (its address says), the list beside it, the token, the keyboard.
import { ask, token } from "./api.mjs";
import { $, say, setText } from "./dom.mjs";
import { age } from "./format.mjs";
import { makeList } from "./list.mjs";
import { follow } from "./live.mjs";
import { makeTrace } from "./trace.mjs";

const list = makeList((id) => go(id));
const trace = makeTrace({ changed: tellState, refused: askToken, warn });
let open; // the id of the open trace

// --- where we are ---

const wanted = () => new URLSearchParams(location.search).get("trace_id") || undefined;

function go(id) {
  history.pushState(null, "", id ? `/?trace_id=${encodeURIComponent(id)}` : "/");
  show();
  if (id) $("main").focus({ preventScroll: true });
}

function show() {
  open = wanted();
  document.body.classList.toggle("has-trace", !!open);
  $("trace").hidden = !open;
  $("welcome").hidden = !!open;
  document.title = open ? `${open.slice(0, 60)} · Traces` : "Traces";
  $("banner").hidden = true;
  list.select(open);
  if (open) trace.open(open);
  else trace.close();
  tellState();
}

addEventListener("popstate", show);
for (const id of ["home", "back"]) {
  $(id).addEventListener("click", (event) => {
    event.preventDefault();
    go();
    $("traces").querySelector("a")?.focus();
  });
}
// An id, or an address with one in it.
function idIn(text) {
  try {
    return new URL(text).searchParams.get("trace_id") || text;
  } catch {
    return text;
  }
}
$("open").addEventListener("submit", (event) => {
  event.preventDefault();
  const id = idIn($("id").value.trim());
  if (id) go(id);
  $("id").value = "";
});
$("id").addEventListener("paste", (event) => {
  const pasted = event.clipboardData.getData("text").trim();
  if ($("id").value || !pasted || /\s/.test(pasted)) return;
  event.preventDefault();
  go(idIn(pasted));
});

// --- the list: each shard tells of its own traces ---

let shards = [];
function followList() {
  for (const shard of shards) shard.stop();
  shards = [];
  followShard(0);
}
let reading; // of all shards at once
const readList = () => (reading ??= ask("/traces/recent?limit=50").then(
  ({ traces }) => list.replace(traces),
  (refusal) => {
    if ([401, 403].includes(refusal.status)) askToken(refusal);
    throw refusal;
  },
).finally(() => (reading = undefined)));
function followShard(number) {
  shards[number] = follow(`shard=${number}`, {
    read: readList,
    changed: tellState,
    frame(message) {
      if (message.type === "traces") list.add(message.traces);
      if (message.type === "cleared" || message.type === "missed") shards[number].reread();
      if (message.type === "hello") for (let next = shards.length; next < message.shards; next++) followShard(next);
    },
  });
}

// --- how the feed stands ---

const WORDS = {
  connecting: "Connecting…",
  live: "Live",
  polling: "Every 2 s",
  offline: "Offline",
  behind: "Behind",
};
const LONGER = {
  connecting: "Connecting to the worker",
  live: "New logs appear as they are stored",
  polling: "There is no live connection: new logs are asked for every 2 s",
  offline: "There is no network: what was read before is shown",
  behind: "The worker has not been heard from: what is shown may not be all",
};
const WORST = ["offline", "behind", "connecting", "polling", "live"];
const STALE_MS = 10_000;

function tellState() {
  const feeds = [trace?.feed, ...shards.map((shard) => shard?.feed)].filter(Boolean);
  if (open && trace.feed) feeds.splice(1); // what is being read counts
  const states = feeds.map((feed) => (Date.now() - feed.heardAt > STALE_MS && feed.state === "polling" ? "behind" : feed.state));
  const state = WORST.find((one) => states.includes(one)) ?? "connecting";
  const heardAt = Math.min(...feeds.map((feed) => feed.heardAt));
  const retryAt = Math.max(...feeds.map((feed) => feed.retryAt));
  let text = WORDS[state];
  if (state === "behind" || state === "offline") text += `, last heard ${age(Date.now() - heardAt)}`;
  if (state === "connecting" && retryAt > Date.now()) text = "Reconnecting…";
  const shown = $("state");
  if (shown.dataset.state !== state) {
    if (shown.dataset.state && state !== "connecting") say(LONGER[state]);
    shown.dataset.state = state;
    shown.title = LONGER[state];
  }
  setText(shown.querySelector("span"), text);
}
setInterval(tellState, 1_000);

function warn(text) {
  setText($("banner").querySelector("span"), text);
  $("banner").hidden = !text;
}
$("banner-close").addEventListener("click", () => ($("banner").hidden = true));

// --- the token ---

function askToken(refusal) {
  if ($("token").open) return;
  trace.close();
  for (const shard of shards) shard.stop();
  setText($("token-why"), token.get() ? `The worker refuses this token: ${refusal.message}.` : `This worker shows its logs to those with a token: ${refusal.message}.`);
  token.forget();
  $("forget").hidden = true;
  $("token-value").value = "";
  $("token").showModal();
}
$("token").addEventListener("close", () => {
  const value = $("token-value").value.trim();
  $("token-value").value = "";
  if (!value) return warn("Without the token nothing can be shown. Load the page again to enter it.");
  token.set(value);
  begin();
});
$("forget").addEventListener("click", () => {
  token.forget();
  list.clear();
  begin();
});

// --- the keyboard ---

const keys = {
  j: () => trace.move(1),
  ArrowDown: () => trace.move(1),
  k: () => trace.move(-1),
  ArrowUp: () => trace.move(-1),
  PageDown: () => trace.move(10),
  PageUp: () => trace.move(-10),
  Home: () => trace.move(-1e9),
  End: () => trace.move(1e9),
  e: () => trace.move(1, (row) => row.entry.level === "error"),
  E: () => trace.move(-1, (row) => row.entry.level === "error"),
  c: () => open && trace.copyMarkdown(),
  g: () => $("id").focus(),
  "/": () => (open ? $("find") : $("id")).focus(),
  "[": () => list.near(-1) && go(list.near(-1)),
  "]": () => list.near(1) && go(list.near(1)),
  "?": () => $("keys").showModal(),
};
addEventListener("keydown", (event) => {
  if (document.querySelector("dialog[open]") || event.ctrlKey || event.metaKey || event.altKey) return;
  const writing = /^(INPUT|TEXTAREA)$/.test(event.target.tagName);
  if (event.key === "Escape") {
    if (!trace.clearSearch()) writing ? event.target.blur() : open && go();
    return;
  }
  // A list of text scrolls by itself, and a field is written into.
  if (writing && !(event.target === $("find") && event.key === "ArrowDown")) return;
  if (event.target.tagName === "PRE" && event.key.length > 1) return;
  if (event.key.length > 1 && !open) return;
  if (keys[event.key] && keys[event.key]() !== false) event.preventDefault();
});
$("help").addEventListener("click", () => $("keys").showModal());

function begin() {
  $("forget").hidden = !token.get();
  followList();
  show();
}
begin();
