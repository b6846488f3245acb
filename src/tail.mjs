// Live tail: the WebSockets of viewers, from the worker to the shard, and at the shard. The protocol is described in
// src/tail/mod.rs; what a viewer is told next is worked out in wasm, from what it follows and how far it has seen.

const TURN_MS = 100; // between two turns at least: logs of one turn share a frame
const VIEWER_MS = 1; // what each viewer adds to that, so that many cost no more time than few
const VIEWERS_MAX = 500; // of one shard
const FRAMES_PER_TURN = 16; // to one viewer, so that one who catches up does not hold the others up
const ACK_BYTES = 64 * 1024; // sent to one viewer since it last acknowledged: then it is asked to
const WINDOW_BYTES = 1024 * 1024; // sent to one viewer and not acknowledged: then it has to wait
const ALL_BYTES = 48 * 1024 * 1024; // the same, of all: an isolate has 128 MiB
const PATIENCE_MS = 10_000; // how long a viewer may take to acknowledge
const TOO_SLOW = 4408; // a code of our own (RFC 6455, section 7.4.2), after HTTP's 408
const NOT_UNDERSTOOD = 1008; // policy violation
const BROKEN = 1011; // unexpected condition

// The worker's part. `judged` is the compiled worker's answer to the request: 200 with the shard, where to go on, and
// what to follow; or why it is refused.
export async function openTail(judged, env, unavailable) {
  if (judged.status !== 200) return judged;
  const [shard, after, ...subject] = (await judged.text()).split("\0");
  const query = new URLSearchParams({ after, subject: subject.join("\0") });
  const stub = env.LOG_BUFFER.getByName(`shard-${shard}`);
  const answer = await stub.fetch(`https://object/tail?${query}`, { headers: { Upgrade: "websocket" } });
  return answer.webSocket ? answer : unavailable(await answer.text());
}

// The shard's part. While nobody looks on it costs nothing; of a viewer it remembers what the platform keeps with the
// socket, so that the shard may hibernate under it.
export class Viewers {
  #state;
  #shard;
  #viewers = new Map(); // by socket
  #owed = 0; // bytes sent to all and not acknowledged
  #turn;
  #turned = 0;
  #watch;

  // `shard` is the compiled worker's object.
  constructor(state, shard) {
    this.#state = state;
    this.#shard = shard;
    for (const socket of state.getWebSockets()) {
      const [subject, cursor, owed, asked, since] = socket.deserializeAttachment();
      this.#viewers.set(socket, { subject, cursor, owed, asked, since });
      this.#owed += owed;
    }
    if (this.#viewers.size) this.#watchOver();
  }

  get count() {
    return this.#viewers.size;
  }

  // Takes a viewer in, and tells it what it missed.
  accept(request) {
    if (this.#viewers.size >= VIEWERS_MAX) {
      return new Response(`this shard has ${VIEWERS_MAX} viewers, and takes no more`, { status: 503 });
    }
    const query = new URL(request.url).searchParams;
    const subject = query.get("subject");
    const [cursor, , hello] = this.#shard.greet(subject, query.get("after")).split("\0");
    const { 0: theirs, 1: socket } = new WebSocketPair();
    // Answered by the platform: a heartbeat does not wake the shard.
    this.#state.setWebSocketAutoResponse(new WebSocketRequestResponsePair("ping", "pong"));
    this.#state.acceptWebSocket(socket);
    const viewer = { subject, cursor, owed: 0, asked: 0, since: 0 };
    this.#viewers.set(socket, viewer);
    socket.send(hello);
    this.#keep(socket, viewer);
    if (this.#tell(socket, viewer, new Map())) this.soon();
    return new Response(null, { status: 101, webSocket: theirs });
  }

  // What a viewer says.
  said(socket, message) {
    const viewer = this.#viewers.get(socket);
    if (!viewer) return;
    if (message !== "ack") return this.#close(socket, NOT_UNDERSTOOD, "only ping and ack are understood");
    viewer.owed -= viewer.asked;
    this.#owed -= viewer.asked;
    viewer.asked = 0;
    this.#keep(socket, viewer);
    this.soon();
  }

  // Forgets a viewer that is gone.
  gone(socket) {
    this.#close(socket, 1000);
  }

  // Something changed: tells all viewers, soon, and in a turn of its own. Whoever waits for an answer has it by then.
  soon() {
    if (this.#turn || !this.#viewers.size) return;
    const pause = TURN_MS + VIEWER_MS * this.#viewers.size;
    const wait = Math.max(0, this.#turned + pause - Date.now());
    this.#turn = setTimeout(() => {
      this.#turn = undefined;
      this.#turned = Date.now();
      const frames = new Map();
      let more = false;
      for (const [socket, viewer] of this.#viewers) more = this.#tell(socket, viewer, frames) || more;
      if (more) this.soon();
    }, wait);
  }

  // Tells one viewer what is new to it; `frames` are those of this turn, by whom they are for. Returns whether there is
  // more to tell at once.
  #tell(socket, viewer, frames) {
    const before = viewer.cursor;
    try {
      for (let n = 0; n < FRAMES_PER_TURN; n++) {
        // A viewer that has to wait goes on when it acknowledges, from where it is: nothing is queued for it.
        if (viewer.owed >= WINDOW_BYTES || this.#owed >= ALL_BYTES) break;
        const key = `${viewer.subject}\0${viewer.cursor}`;
        let frame = frames.get(key);
        if (frame === undefined) frames.set(key, (frame = this.#shard.tell(viewer.subject, viewer.cursor)?.split("\0") ?? null));
        if (frame === null) break;
        const [cursor, bytes, text] = frame;
        socket.send(text);
        viewer.cursor = cursor;
        viewer.owed += Number(bytes);
        this.#owed += Number(bytes);
        if (n === FRAMES_PER_TURN - 1) return true;
      }
    } catch (error) {
      console.error(`a viewer could not be told: ${error.message}`);
      this.#close(socket, BROKEN, "the shard broke: come back with your cursor");
      return false;
    } finally {
      if (viewer.cursor !== before) this.#ask(socket, viewer);
    }
    return false;
  }

  #ask(socket, viewer) {
    if (!this.#viewers.has(socket)) return;
    if (!viewer.asked && viewer.owed >= ACK_BYTES) {
      socket.send('{"type":"ack"}');
      viewer.asked = viewer.owed;
      viewer.since = Date.now();
      this.#watchOver();
    }
    this.#keep(socket, viewer);
  }

  // Closes, in time, viewers that do not acknowledge.
  #watchOver() {
    this.#watch ??= setTimeout(() => {
      this.#watch = undefined;
      let asked = false;
      for (const [socket, viewer] of this.#viewers) {
        if (!viewer.asked) continue;
        if (Date.now() - viewer.since < PATIENCE_MS) asked = true;
        else this.#close(socket, TOO_SLOW, "too slow: come back with your cursor");
      }
      if (asked) this.#watchOver();
      this.soon(); // others may have waited for those that were closed
    }, PATIENCE_MS);
  }

  #close(socket, code, reason) {
    this.#owed -= this.#viewers.get(socket)?.owed ?? 0;
    this.#viewers.delete(socket);
    try {
      socket.close(code, reason);
    } catch {
      // It is closed already.
    }
  }

  #keep(socket, { subject, cursor, owed, asked, since }) {
    socket.serializeAttachment([subject, cursor, owed, asked, since]);
  }
}
