// A line plot as SVG: one or two curves over a range that is shaded.

import { svg } from "./dom.js";
import { show, ticks } from "./numbers.js";

const WIDTH = innerWidth < 640 ? 380 : 560;
const HEIGHT = innerWidth < 640 ? 280 : 340;
const MARGIN = { left: 62, right: 14, top: 14, bottom: 40 };
const ROBUST = 20;

/**
 * Draws curves.
 * series: [{name, className, points: [[x, y or null], ...]}]; range: [low, high], shaded.
 * Returns the element, and a function that puts a cross-hair at an x.
 */
export function plot({ series, range, xLabel, yLabel, label }) {
  const xs = series[0].points.map(([x]) => x);
  const x = scale(Math.min(...xs), Math.max(...xs), MARGIN.left, WIDTH - MARGIN.right);
  const [low, high] = domain(series);
  const y = scale(low, high, HEIGHT - MARGIN.bottom, MARGIN.top);
  const clip = `clip-${Math.random().toString(36).slice(2)}`;
  const hair = svg("g", { class: "hair", visibility: "hidden" });
  const element = svg(
    "svg",
    { class: "plot", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": label },
    svg(
      "clipPath",
      { id: clip },
      svg("rect", {
        x: MARGIN.left,
        y: MARGIN.top,
        width: WIDTH - MARGIN.left - MARGIN.right,
        height: HEIGHT - MARGIN.top - MARGIN.bottom,
      }),
    ),
    band(range, x),
    axes(x, y, xLabel, yLabel),
    svg(
      "g",
      { "clip-path": `url(#${clip})` },
      series
        .toReversed()
        .map(({ className, points }) => svg("path", { class: `curve ${className}`, d: path(points, x, y, low, high) })),
      hair,
    ),
  );
  const moveTo = (value) => {
    const dots = series
      .map(({ className, points }) => [className, at(points, value)])
      .filter(([, height]) => height != null);
    hair.setAttribute("visibility", "visible");
    hair.replaceChildren(
      svg("line", { x1: x(value), x2: x(value), y1: MARGIN.top, y2: HEIGHT - MARGIN.bottom }),
      ...dots.map(([className, height]) => svg("circle", { class: className, cx: x(value), cy: y(height), r: 4 })),
    );
  };
  const valueAt = (event) => {
    const box = element.getBoundingClientRect();
    return x.invert(((event.clientX - box.left) / box.width) * WIDTH);
  };
  return { element, moveTo, valueAt };
}

/** The height of a curve at an x, between its points; null where it has none. */
export function at(points, value) {
  const after = points.findIndex(([x]) => x >= value);
  if (after < 0) return null;
  const [x1, y1] = points[after];
  const [x0, y0] = points[Math.max(0, after - 1)];
  if (x1 === value || x1 === x0) return y1;
  return y0 == null || y1 == null ? null : y0 + ((y1 - y0) * (value - x0)) / (x1 - x0);
}

function scale(low, high, from, to) {
  const apply = (value) => from + ((value - low) / (high - low)) * (to - from);
  apply.invert = (position) => Math.min(high, Math.max(low, low + ((position - from) / (to - from)) * (high - low)));
  apply.domain = [low, high];
  return apply;
}

/** Lowest and highest y: of the first curve without its poles, and of the others as far as half its height beyond. */
function domain([first, ...others]) {
  const sorted = first.points.flatMap(([, y]) => (y == null ? [] : [y])).sort((a, b) => a - b);
  if (!sorted.length) return [-1, 1];
  let [low, high] = [sorted[0], sorted.at(-1)];
  const [q1, q3] = [0.1, 0.9].map((share) => sorted[Math.round(share * (sorted.length - 1))]);
  const spread = q3 - q1 || 1;
  [low, high] = [Math.max(low, q1 - ROBUST * spread), Math.min(high, q3 + ROBUST * spread)];
  const half = (high - low || Math.abs(high) || 1) / 2;
  for (const [, y] of others.flatMap(({ points }) => points)) {
    if (y == null) continue;
    if (y < low) low = Math.max(y, sorted[0] - half);
    if (y > high) high = Math.min(y, sorted.at(-1) + half);
  }
  const margin = (high - low || Math.abs(high) || 1) * 0.05;
  return [low - margin, high + margin];
}

/** Line segments; interrupted where there is no value, and at poles, where the curve leaves above and returns below. */
function path(points, x, y, low, high) {
  const far = (value) => (value > high ? 1 : value < low ? -1 : 0);
  const limit = (value) => Math.min(high + 2 * (high - low), Math.max(low - 2 * (high - low), value));
  let pen = "M";
  let before = 0;
  return points
    .map(([at, height]) => {
      if (height == null) {
        pen = "M";
        return "";
      }
      if (before * far(height) < 0) pen = "M";
      const command = `${pen}${x(at).toFixed(1)} ${y(limit(height)).toFixed(1)}`;
      [pen, before] = ["L", far(height)];
      return command;
    })
    .join("");
}

function band([low, high], x) {
  const [left, right] = [x(low), x(high)];
  const beside = right - left < 90;
  return svg(
    "g",
    { class: "band" },
    svg("rect", {
      x: left,
      y: MARGIN.top,
      width: Math.max(1.5, right - left),
      height: HEIGHT - MARGIN.top - MARGIN.bottom,
    }),
    svg(
      "text",
      { x: beside ? right + 6 : (left + right) / 2, y: MARGIN.top + 12, "text-anchor": beside ? "start" : "middle" },
      "training range",
    ),
  );
}

function axes(x, y, xLabel, yLabel) {
  const bottom = HEIGHT - MARGIN.bottom;
  return svg(
    "g",
    { class: "axes" },
    ticks(...y.domain, 5).map((value) =>
      svg(
        "g",
        {},
        svg("line", { class: "grid", x1: MARGIN.left, x2: WIDTH - MARGIN.right, y1: y(value), y2: y(value) }),
        svg("text", { x: MARGIN.left - 8, y: y(value) + 4, "text-anchor": "end" }, show(value, 3)),
      ),
    ),
    ticks(...x.domain, 6).map((value) =>
      svg("text", { x: x(value), y: bottom + 17, "text-anchor": "middle" }, show(value, 3)),
    ),
    svg("line", { class: "base", x1: MARGIN.left, x2: WIDTH - MARGIN.right, y1: bottom, y2: bottom }),
    svg("text", { class: "axis-name", x: WIDTH - MARGIN.right, y: HEIGHT - 6, "text-anchor": "end" }, xLabel),
    svg("text", { class: "axis-name", x: 0, y: MARGIN.top - 2 }, yLabel),
  );
}
