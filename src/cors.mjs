// The CORS headers of answers that JavaScript gives; the same as in src/access.rs.
export function cors(request, env) {
  const headers = new Headers({
    "Access-Control-Allow-Methods": "POST, GET, DELETE, OPTIONS",
    "Access-Control-Allow-Headers": "Content-Type, Origin, User-Agent, Authorization, X-Correlation-Id",
    "Access-Control-Expose-Headers": "Retry-After, RateLimit, RateLimit-Policy",
  });
  const listed = (env.ALLOWED_ORIGINS ?? "").toLowerCase().split(",").map((origin) => origin.trim()).filter(Boolean);
  const origin = request.headers.get("Origin");
  if (listed.length === 0) headers.set("Access-Control-Allow-Origin", "*");
  else headers.set("Vary", "Origin");
  if (origin && listed.includes(origin.toLowerCase())) headers.set("Access-Control-Allow-Origin", origin);
  return headers;
}
