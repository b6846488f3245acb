// The whole trace in a strip: a lane for each system, a dot for each log. For the eye; the rows say the same.
import { $ } from "./dom.mjs";
import { SYSTEMS } from "./timeline.mjs";

const EDGE = 8;
const RADIUS = 2.5;

export function makeOverview(reveal) {
  const canvas = $("overview");
  let drawn;

  function draw(entries = drawn?.entries ?? []) {
    const systems = SYSTEMS.filter((name) => entries.some((entry) => entry.system === name));
    const first = entries[0]?.timestamp ?? 0;
    const span = Math.max(1, (entries.at(-1)?.timestamp ?? 0) - first);
    drawn = { entries, first, span };
    const width = canvas.clientWidth;
    const height = 12 + 10 * Math.max(1, systems.length);
    if (!width) return;
    canvas.style.height = `${height}px`;
    const scale = devicePixelRatio || 1;
    canvas.width = width * scale;
    canvas.height = height * scale;
    const brush = canvas.getContext("2d");
    brush.scale(scale, scale);
    const style = getComputedStyle(canvas);
    const colour = (name) => {
      canvas.style.color = `var(--${name})`; // light or dark, as the page is
      return style.color;
    };
    const colours = Object.fromEntries([...systems, "line", "error"].map((name) => [name, colour(name)]));
    const y = (system) => 11 + 10 * Math.max(0, systems.indexOf(system));
    const x = (entry) => EDGE + ((entry.timestamp - first) / span) * (width - 2 * EDGE);
    brush.fillStyle = colours.line;
    for (const system of systems) brush.fillRect(EDGE, y(system) - 0.5, width - 2 * EDGE, 1);
    // Errors last, so that nothing hides them.
    for (const bad of [false, true]) {
      for (const entry of entries) {
        if ((entry.level === "error") !== bad) continue;
        brush.fillStyle = bad ? colours.error : colours[entry.system];
        if (bad) brush.fillRect(x(entry) - 1, 3, 2, height - 6);
        brush.beginPath();
        brush.arc(x(entry), y(entry.system), bad ? RADIUS + 1 : RADIUS, 0, 7);
        brush.fill();
      }
    }
  }

  canvas.addEventListener("click", (event) => {
    const share = (event.offsetX - EDGE) / (canvas.clientWidth - 2 * EDGE);
    if (drawn) reveal(drawn.first + share * drawn.span);
  });
  new ResizeObserver(() => draw()).observe(canvas);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => draw());
  return { draw };
}
