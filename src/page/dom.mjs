// The page's elements. Text only ever becomes text: no string is parsed as markup anywhere.

export const $ = (id) => document.getElementById(id);

// A new element. `attributes` are set as such, `on…` as listeners; children are elements or text.
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== undefined));
  return element;
}

// Sets text only where it changed: a screen reader reads what changes.
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

// What a screen reader says by the way, a text or what makes one: many logs a second become one sentence every few
// seconds.
const SAY_MS = 4_000;
let saying;
let next = 0;
export function say(what) {
  clearTimeout(saying);
  const now = Date.now();
  saying = setTimeout(() => {
    next = Date.now() + SAY_MS;
    $("say").textContent = typeof what === "function" ? what() : what;
  }, Math.max(0, next - now));
}

export async function copy(text, what) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Without HTTPS there is no clipboard but the old one.
    const area = make("textarea", { class: "sr" });
    area.value = text;
    (document.querySelector("dialog[open]") ?? document.body).append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  toast(`${what} copied`);
}

export function save(text, type, name) {
  const link = make("a", { href: URL.createObjectURL(new Blob([text], { type })), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  toast(`${name} downloaded`);
}

let toasting;
export function toast(text) {
  document.querySelector(".toast")?.remove();
  clearTimeout(toasting);
  const shown = make("p", { class: "toast" }, text);
  document.body.append(shown);
  toasting = setTimeout(() => shown.remove(), 2_500);
  say(text);
}
