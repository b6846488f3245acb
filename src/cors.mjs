// The CORS headers of answers that JavaScript gives; the same as in src/access.rs.
export function cors(request, env) {
  const headers = new Headers({
    "Access-Control-Allow-Methods": "POST, GET, DELETE, OPTIONS",
    "Access-Control-Allow-Headers": "Content-Type, Origin, User-Agent, Authorization, X-Correlation-Id",
    "Access-Control-Expose-Headers": "Retry-After, RateLimit, RateLimit-Policy",
  });
  // A var of another type is no list, and the worker's own answers say so.
  const list = typeof env.ALLOWED_ORIGINS === "string" ? env.ALLOWED_ORIGINS : "";
  const listed = list.toLowerCase().split(",").map((origin) => origin.trim()).filter(Boolean);
  const origin = request.headers.get("Origin");
  if (listed.length === 0) headers.set("Access-Control-Allow-Origin", "*");
  else headers.set("Vary", "Origin");
  if (origin && listed.some((entry) => covers(entry, origin.toLowerCase()))) headers.set("Access-Control-Allow-Origin", origin);
  return headers;
}

// Whether an entry of the list is this origin, or covers it: as in src/origin.rs.
function covers(listed, origin) {
  const [scheme, domain] = listed.split("*");
  if (domain === undefined) return listed === origin;
  if (!origin.startsWith(scheme) || !origin.endsWith(domain)) return false;
  return /^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/.test(origin.slice(scheme.length, -domain.length));
}
