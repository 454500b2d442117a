// The model along one column, far beyond its training range, beside the MLP of equal size.

import { h } from "./dom.js";
import { outputsOf } from "./manifest.js";
import { show } from "./numbers.js";
import { at, plot } from "./plot.js";
import { predictRows, request } from "./service.js";

const CURVES = "curves.json";
const REACH = 10;
const SAMPLES = 241;

/** The section with the plot. */
export async function sweepSection(model) {
  const samples = await exportedCurves(model);
  const columns = samples?.curves.map(({ column }) => column) ?? model.inputs[0].columns;
  const figure = h("div");
  const select = h(
    "select",
    { id: "sweep-column", onchange: () => draw() },
    columns.map((name) => h("option", {}, name)),
  );
  let latest = 0;

  async function draw() {
    const mine = ++latest;
    try {
      const drawn = await curveFigure(model, samples, select.value);
      if (mine === latest) figure.replaceChildren(drawn);
    } catch (error) {
      figure.replaceChildren(h("p", { class: "error", role: "alert" }, error.message));
    }
  }

  if (model.training.ranges.length) {
    select.value = liveliest(samples) ?? columns[0];
    await draw();
  } else {
    figure.append(h("p", { class: "muted" }, "The training range of this model is not known."));
  }
  const choice = h("p", { class: "choice" }, h("label", { for: "sweep-column" }, "Along"), select);
  const only = h("p", {}, `Along ${columns[0]}`);
  return h(
    "section",
    { class: "sweep" },
    h("div", { class: "section-head" }, h("h2", {}, "Beyond its range"), columns.length > 1 ? choice : only),
    figure,
  );
}

/** The samples that the export holds; null where it has none. */
async function exportedCurves(model) {
  if (!model.files[CURVES]) return null;
  return request(`models/${encodeURIComponent(model.name)}/curves?version=${model.version}`).catch(() => null);
}

/** The column along which the samples of the model vary most. */
function liveliest(samples) {
  const spread = ({ model }) => {
    const values = model.filter((value) => value !== null);
    return Math.max(...values) - Math.min(...values);
  };
  return samples?.curves.toSorted((a, b) => spread(b) - spread(a))[0]?.column;
}

async function curveFigure(model, samples, column) {
  const columns = model.inputs[0].columns;
  const place = columns.indexOf(column);
  const range = model.training.ranges[place];
  const curve = samples?.curves.find((each) => each.column === column);
  const middle = columns.map((name, other) => samples?.at[name] ?? nearMiddle(...model.training.ranges[other]));
  const xs = curve ? between(curve.inputs[0], curve.inputs.at(-1)) : beyond(...range);
  const rows = xs.map((x) => middle.with(place, x));
  const { predictions } = await predictRows(model, rows);
  const points = xs.map((x, index) => [x, predictions[index]?.[0] ?? null]);
  const series = [{ name: "this model", className: "model-curve", points }];
  if (curve?.mlp)
    series.push({ name: "MLP of equal size", className: "mlp-curve", points: zip(curve.inputs, curve.mlp) });
  const ends = [xs[0], xs.at(-1)];
  const target = outputsOf(model)[0];
  const label = [
    `${target} along ${column} from ${ends.map((end) => show(end)).join(" to ")}`,
    `trained on ${range.map((end) => show(end)).join(" to ")}: ${series.map(({ name }) => name).join(" and ")}.`,
  ].join(", ");
  const drawing = plot({ series, range, xLabel: column, yLabel: target, label });
  return h(
    "figure",
    {},
    drawing.element,
    legend(series),
    reader(drawing, series, column, ...ends),
    caption(columns, middle, place),
  );
}

/** A slider for the cross-hair, with the values there; the pointer moves it too. */
function reader(drawing, series, column, low, high) {
  const values = h("output", { for: "sweep-at" });
  const slider = h("input", { type: "range", id: "sweep-at", min: low, max: high, step: "any" });
  const read = () => {
    const x = Number(slider.value);
    drawing.moveTo(x);
    const parts = series.map(({ name, points }) => `${name} ${show(at(points, x), 4)}`);
    values.textContent = `${column} ${show(x, 4)}: ${parts.join(", ")}`;
  };
  slider.addEventListener("input", read);
  drawing.element.addEventListener("pointermove", (event) => {
    slider.value = drawing.valueAt(event);
    read();
  });
  slider.value = low + (high - low) * 0.75;
  read();
  return h(
    "div",
    { class: "reader" },
    h("label", { for: "sweep-at", class: "hidden" }, `${column} to read the curves at`),
    slider,
    values,
  );
}

const legend = (series) =>
  h(
    "ul",
    { class: "legend" },
    series.map(({ name, className }) => h("li", { class: className }, name)),
  );

function caption(columns, middle, place) {
  const others = columns
    .map((name, index) => `${name} = ${show(middle[index], 4)}`)
    .filter((_, index) => index !== place);
  if (!others.length) return null;
  return h("figcaption", { class: "muted" }, others.slice(0, 6).join(", ") + (others.length > 6 ? ", …" : ""));
}

const zip = (xs, ys) => xs.map((x, index) => [x, ys[index]]);
const nearMiddle = (low, high) => Number(((low + high) / 2).toPrecision(6));

/** Values from ten widths below a range to ten above it, and not past zero, which many quantities do not cross. */
function beyond(low, high) {
  const width = high - low || Math.abs(high) || 1;
  return between(
    low >= 0 ? Math.max(0, low - REACH * width) : low - REACH * width,
    high <= 0 ? Math.min(0, high + REACH * width) : high + REACH * width,
  );
}

const between = (first, last) =>
  Array.from({ length: SAMPLES }, (_, index) => first + ((last - first) * index) / (SAMPLES - 1));
