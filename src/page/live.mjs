// New logs as they come: by the tail's WebSocket, and by asking again and again while there is none.
import { ask, token } from "./api.mjs";

const POLL_MS = 2_000;
const PING_MS = 10_000;
const SILENCE_MS = 5_000; // an answer to a ping takes no longer, or the connection is dead
const RETRY_MS = 500; // doubled with each failure, up to
const RETRY_MAX_MS = 15_000;

// Follows `query` ("trace_id=…" or "shard=…"). `read` fetches all there is and is called at the start, whenever a
// connection begins, and again and again while there is none. `frame` gets what the tail says. `changed` is told of
// each change of `state`: connecting, live, polling, offline, behind.
export function follow(query, { read, frame, changed }) {
  let socket, timer, polling, heard, cursor;
  let failures = 0;
  let over = false;
  const feed = { state: "connecting", retryAt: 0, heardAt: Date.now(), failed: undefined };
  const be = (state, more = {}) => {
    Object.assign(feed, { retryAt: 0 }, more, { state });
    if (!over) changed(feed);
  };

  // All there is, one reading at a time.
  let reading;
  const reread = () => (reading ??= read().then(
    () => {
      feed.heardAt = Date.now();
      feed.failed = undefined;
    },
    (refusal) => (feed.failed = refusal),
  ).finally(() => {
    reading = undefined;
    if (!over) changed(feed);
  }));

  async function connect() {
    clearTimeout(timer);
    if (over || socket) return;
    try {
      let address = `${location.origin.replace(/^http/, "ws")}/logs/tail?${query}`;
      if (cursor !== undefined) address += `&after=${encodeURIComponent(cursor)}`;
      if (token.get()) address += `&ticket=${encodeURIComponent((await ask("/logs/tail/ticket", "POST")).ticket)}`;
      if (over || socket) return;
      socket = new WebSocket(address);
    } catch {
      return lost();
    }
    const own = socket;
    own.onmessage = ({ data }) => own === socket && receive(data);
    own.onclose = () => own === socket && lost();
  }

  function receive(data) {
    feed.heardAt = Date.now();
    clearTimeout(heard);
    heard = setTimeout(ping, PING_MS);
    if (feed.state === "behind") be("live");
    if (data === "pong") return;
    let message;
    try {
      message = JSON.parse(data);
    } catch {
      return;
    }
    if (message.type === "ack") return socket.send("ack"); // we keep up
    if (message.type === "hello") {
      failures = 0;
      stopPolling();
      be("live");
      // What came between the last reading and now; after a break the tail tells it, from our cursor on.
      if (cursor === undefined || feed.failed) reread();
    }
    cursor = message.cursor ?? cursor;
    frame(message);
  }

  function ping() {
    clearTimeout(heard);
    if (socket?.readyState === WebSocket.OPEN) socket.send("ping");
    heard = setTimeout(() => {
      be("behind");
      heard = setTimeout(() => drop(), SILENCE_MS);
    }, SILENCE_MS);
  }

  const drop = () => {
    socket?.close();
    lost();
  };

  function lost() {
    socket = undefined;
    clearTimeout(heard);
    clearTimeout(timer);
    if (over) return;
    const wait = Math.min(RETRY_MAX_MS, RETRY_MS * 2 ** failures++) * (0.5 + Math.random() / 2);
    timer = setTimeout(connect, wait);
    be(navigator.onLine ? (failures > 1 ? "polling" : "connecting") : "offline", { retryAt: Date.now() + wait });
    startPolling();
  }

  function startPolling() {
    polling ??= setInterval(() => document.hidden || !navigator.onLine || reread(), POLL_MS);
  }
  function stopPolling() {
    clearInterval(polling);
    polling = undefined;
  }

  const wake = () => {
    failures = 0;
    if (socket) ping();
    else {
      connect();
      reread();
    }
  };
  const seen = () => document.hidden || wake();
  addEventListener("online", wake);
  addEventListener("offline", drop);
  document.addEventListener("visibilitychange", seen);

  reread();
  connect();
  return {
    feed,
    reread,
    stop() {
      over = true;
      clearTimeout(timer);
      clearTimeout(heard);
      stopPolling();
      removeEventListener("online", wake);
      removeEventListener("offline", drop);
      document.removeEventListener("visibilitychange", seen);
      socket?.close();
    },
  };
}
