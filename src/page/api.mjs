// What the page asks of the worker it came from.

const KEY = "log-read-token";
const ANSWER_MS = 20_000;

// The token lives in the tab's session and nowhere else.
export const token = {
  get: () => sessionStorage.getItem(KEY) ?? "",
  set: (value) => sessionStorage.setItem(KEY, value),
  forget: () => sessionStorage.removeItem(KEY),
};

// Why something could not be had. `status` 0: no answer came.
class Refusal extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

export async function ask(path, method = "GET") {
  const headers = token.get() ? { Authorization: `Bearer ${token.get()}` } : {};
  let answer, body;
  try {
    answer = await fetch(path, { method, headers, cache: "no-store", signal: AbortSignal.timeout(ANSWER_MS) });
    body = await answer.json();
  } catch {
    throw new Refusal(0, answer ? `The answer (${answer.status}) could not be read` : "The worker does not answer");
  }
  if (answer.ok) return body;
  // Redis is away: what still waits in the buffer is shown.
  if (body.partial && Array.isArray(body.logs)) return body;
  throw new Refusal(answer.status, body.error ?? `The worker answered ${answer.status}`);
}

export const traceUrl = (id) => `/logs?trace_id=${encodeURIComponent(id)}`;
