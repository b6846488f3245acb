// What browsers get of the worker: the trace page at `/`, the log client at `/client.js`. scripts/static.mjs makes both.

import { cors } from "./cors.mjs";

const PATH = /^https?:\/\/[^/?#]+\/(?:(client)(?:\.([0-9a-f]+))?\.js)?(?:[?#]|$)/;

// The answer to a GET of one of them; nothing when it is for the compiled worker.
export function serve(request, env, { page, client }) {
  const match = PATH.exec(request.url);
  if (!match) return undefined;
  if (match[1]) return serveClient(request, env, client, match[2]);
  return prefersHtml(request.headers.get("Accept") ?? "") ? servePage(request, env, page) : undefined;
}

// Whether HTML is asked for by name, and JSON not rather (RFC 9110, section 12.5.1). `*/*` is a program's.
export function prefersHtml(accept) {
  const weight = (type) => {
    const range = accept.toLowerCase().split(",").find((one) => one.split(";")[0].trim() === type);
    return range === undefined ? 0 : Number(/;\s*q\s*=\s*([\d.]+)/.exec(range)?.[1] ?? 1);
  };
  return weight("text/html") > 0 && weight("text/html") >= weight("application/json");
}

function servePage(request, env, page) {
  const headers = cors(request, env);
  headers.append("Vary", "Accept");
  headers.set("Content-Type", "text/html; charset=utf-8");
  headers.set("Content-Security-Policy", page.policy);
  headers.set("Referrer-Policy", "no-referrer"); // its address names a trace
  headers.set("Cross-Origin-Opener-Policy", "same-origin");
  return cached(request, headers, page, "no-cache");
}

// The address with the hash always has the same content. One of another version leads to the one there is: a page that
// was built before a deployment still logs.
function serveClient(request, env, client, hash) {
  const headers = cors(request, env);
  if (hash && hash !== client.hash) {
    headers.set("Location", "/client.js");
    headers.set("Cache-Control", "no-store");
    return new Response(null, { status: 302, headers });
  }
  headers.set("Content-Type", "text/javascript; charset=utf-8");
  headers.set("Content-Location", `/client.${client.hash}.js`);
  return cached(request, headers, client, hash ? "public, max-age=31536000, immutable" : "public, max-age=300");
}

function cached(request, headers, { body, hash }, caching) {
  headers.set("Cache-Control", caching);
  headers.set("ETag", `"${hash}"`);
  headers.set("X-Content-Type-Options", "nosniff");
  const known = request.headers.get("If-None-Match")?.includes(hash); // the edge may have made a weak one of it
  return known ? new Response(null, { status: 304, headers }) : new Response(body, { headers });
}
