// A network that is not to be trusted, between a client and the worker.
import { createServer, request } from "node:http";

// The same faults in the same order each time (mulberry32).
function dice(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const FAULTS = ["lose the request", "lose the answer", "delay", "duplicate", "429", "503"];

// `share` of the requests meet a fault. `seen` counts faults by name, `requests` keeps what came: headers and body.
export async function startProxy(worker, { share = 0, seed = 1 } = {}) {
  const random = dice(seed);
  const proxy = { seen: {}, requests: [] };
  let next = 0;
  const busy = { "Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": "Retry-After", "Retry-After": "1" };
  const forward = ({ method, url, headers }, body) =>
    new Promise((resolve, reject) => {
      const ask = request(worker + url, { method, headers: { ...headers, host: new URL(worker).host } }, (reply) => {
        const parts = [];
        reply.on("data", (part) => parts.push(part)).on("end", () => resolve([reply.statusCode, reply.headers, Buffer.concat(parts)]));
      });
      ask.on("error", reject).end(body);
    });
  const server = createServer(async (incoming, response) => {
    const parts = [];
    try {
      for await (const part of incoming) parts.push(part);
      const body = Buffer.concat(parts);
      proxy.requests.push({ method: incoming.method, headers: incoming.headers, body: body.toString() });
      const fault = incoming.method === "POST" && random() < share ? FAULTS[next++ % FAULTS.length] : "none";
      proxy.seen[fault] = (proxy.seen[fault] ?? 0) + 1;
      if (fault === "lose the request") return incoming.socket.destroy();
      if (fault === "429" || fault === "503") return response.writeHead(Number(fault), busy).end('{"error":"busy"}');
      if (fault === "delay") await new Promise((resolve) => setTimeout(resolve, 300 + 900 * random()));
      if (fault === "duplicate") await Promise.all([forward(incoming, body), forward(incoming, body)]);
      const [status, headers, text] = await forward(incoming, body);
      if (fault === "lose the answer") return incoming.socket.destroy();
      response.writeHead(status, headers).end(text);
    } catch {
      response.destroy(); // one of both ends went away
    }
  });
  const listen = (port) => new Promise((resolve) => server.listen(port, "127.0.0.1", resolve));
  await listen(0);
  const { port } = server.address();
  proxy.url = `http://127.0.0.1:${port}`;
  proxy.die = () => (server.closeAllConnections(), server.close());
  proxy.revive = () => listen(port);
  return proxy;
}
