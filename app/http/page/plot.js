// A line plot as SVG: one or two curves over a range that is shaded.

import { path } from "./curve.js";
import { svg } from "./dom.js";
import { show, ticks } from "./numbers.js";

const WIDTH = innerWidth < 640 ? 380 : 560;
const HEIGHT = innerWidth < 640 ? 280 : 340;
const MARGIN = { left: 62, right: 14, top: 14, bottom: 40 };
const ROBUST = 20;

/**
 * Draws curves.
 * series: [{name, className, smooth, points: [[x, y or null], ...]}], of the same xs; range: [low, high], shaded.
 * Returns the element, a function that puts a cross-hair at a place among the points, one that finds the place that is
 * nearest to the pointer, and left margin and width of the area that the curves fill.
 */
export function plot({ series, range, xLabel, yLabel, label }) {
  const xs = series[0].points.map(([x]) => x);
  const x = scale(xs[0], xs.at(-1), MARGIN.left, WIDTH - MARGIN.right);
  const y = scale(...domain(series), HEIGHT - MARGIN.bottom, MARGIN.top);
  const clip = `clip-${Math.random().toString(36).slice(2)}`;
  const hair = svg("g", { class: "hair" });
  const size = { width: WIDTH - MARGIN.left - MARGIN.right, height: HEIGHT - MARGIN.top - MARGIN.bottom };
  const curves = series.map(({ className, points, smooth }) =>
    svg("path", { class: `curve ${className}`, d: path(points, x, y, smooth) }),
  );
  const element = svg(
    "svg",
    { class: "plot", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": label },
    svg("clipPath", { id: clip }, svg("rect", { x: MARGIN.left, y: MARGIN.top, ...size })),
    band(range, x),
    axes(x, y, xLabel, yLabel),
    svg("g", { "clip-path": `url(#${clip})` }, curves.toReversed(), hair),
  );
  const moveTo = (place) => {
    const at = x(xs[place]);
    const dots = series.filter(({ points }) => points[place][1] !== null);
    const dot = ({ className, points }) => svg("circle", { class: className, cx: at, cy: y(points[place][1]), r: 4 });
    const line = svg("line", { x1: at, x2: at, y1: MARGIN.top, y2: HEIGHT - MARGIN.bottom });
    hair.replaceChildren(line, ...dots.map(dot));
  };
  const placeOf = ({ clientX }) => {
    const box = element.getBoundingClientRect();
    const at = ((clientX - box.left) / box.width) * WIDTH;
    return nearest(xs.map(x), at);
  };
  const share = (length) => `${(100 * length) / WIDTH}%`;
  return { element, moveTo, placeOf, margin: share(MARGIN.left), width: share(size.width) };
}

/** The place of the number that is nearest to a value. */
export const nearest = (numbers, value) =>
  numbers.reduce(
    (best, number, place) => (Math.abs(number - value) < Math.abs(numbers[best] - value) ? place : best),
    0,
  );

function scale(low, high, from, to) {
  const apply = (value) => from + ((value - low) / (high - low)) * (to - from);
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
