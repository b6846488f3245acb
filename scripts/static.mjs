// Makes the module of what the worker serves to browsers: node scripts/static.mjs DIR writes DIR/static.js.
//
// The trace page (src/page) becomes one HTML file whose Content-Security-Policy names its script and its style by hash;
// the log client (src/client) is minified. Called by scripts/build.
import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const [out] = process.argv.slice(2);
const KB = 1024;

async function bundled(entry, format) {
  const options = { bundle: true, minify: true, write: false, charset: "utf8", target: "es2022", logLevel: "warning" };
  const { outputFiles } = await build({ ...options, entryPoints: [entry], format });
  return outputFiles[0].text.trim();
}

const hash = (text, encoding) => createHash("sha256").update(text).digest(encoding);

// A page over its limit is a build that fails: nobody would notice it growing.
function within(limit, name, text) {
  const size = gzipSync(text, { level: 9 }).length;
  if (size > limit) throw new Error(`${name} has ${size} bytes compressed, at most ${limit} are allowed`);
  return `${name} ${(size / KB).toFixed(1)} KB gzip`;
}

const [html, style, script, client] = await Promise.all([
  readFile("src/page/index.html", "utf8"),
  bundled("src/page/page.css"),
  bundled("src/page/main.mjs", "iife"),
  bundled("src/client/client.js", "esm"),
]);
const body = html
  .replace(/\n\s*/g, "\n")
  .replace("<style></style>", () => `<style>${style}</style>`)
  .replace("<script></script>", () => `<script>${script}</script>`);
const policy = [
  "default-src 'none'",
  `script-src 'sha256-${hash(script, "base64")}'`,
  `style-src 'sha256-${hash(style, "base64")}'`,
  "connect-src 'self'",
  "img-src data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join("; ");
const page = { body, policy, hash: hash(body, "hex").slice(0, 16) };
const files = { page, client: { body: client, hash: hash(client, "hex").slice(0, 16) } };
const text = Object.entries(files).map(([name, file]) => `export const ${name} = ${JSON.stringify(file)};\n`);
await writeFile(`${out}/static.js`, text.join(""));
console.error(`${within(40 * KB, "page", body)}, ${within(3 * KB, "client", client)}`);
