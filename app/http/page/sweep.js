// The model along one column, far beyond its training range, beside the MLP of equal size.

import { h } from "./dom.js";
import { outputsOf } from "./manifest.js";
import { show } from "./numbers.js";
import { nearest, plot } from "./plot.js";
import { predictRows, request } from "./service.js";

const CURVES = "curves.json";
const REACH = 10;
const SAMPLES = 121;
const SLIDER_STEPS = 200;

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

async function curveFigure(model, exported, column) {
  const columns = model.inputs[0].columns;
  const place = columns.indexOf(column);
  const range = model.training.ranges[place];
  const samples = exported ?? (await predictedCurve(model, place));
  const { inputs, model: predictions, mlp } = samples.curves.find((each) => each.column === column);
  const series = [{ name: "this model", className: "model-curve", smooth: true, points: zip(inputs, predictions) }];
  if (mlp) series.push({ name: "MLP of equal size", className: "mlp-curve", points: zip(inputs, mlp) });
  const label = [
    `${samples.target} along ${column} from ${show(inputs[0])} to ${show(inputs.at(-1))}`,
    `trained on ${show(range[0])} to ${show(range[1])}: ${series.map(({ name }) => name).join(" and ")}.`,
  ].join(", ");
  const drawing = plot({ series, range, xLabel: column, yLabel: samples.target, label });
  return h("figure", {}, drawing.element, legend(series), reader(drawing, series, column), caption(samples.at, column));
}

/** A slider along the plot: the cross-hair and the values are those of the nearest sample. The pointer moves it too. */
function reader(drawing, series, column) {
  const xs = series[0].points.map(([x]) => x);
  const [low, high] = [xs[0], xs.at(-1)];
  const values = h("output", { for: "sweep-at" });
  const slider = h("input", { type: "range", id: "sweep-at", min: low, max: high, step: (high - low) / SLIDER_STEPS });
  Object.assign(slider.style, { marginLeft: drawing.margin, width: drawing.width });
  const read = (place) => {
    drawing.moveTo(place);
    const parts = series.map(({ name, points }) => `${name} ${show(points[place][1], 4)}`);
    values.textContent = `${column} ${show(xs[place], 4)}: ${parts.join(", ")}`;
    slider.ariaValueText = values.textContent;
  };
  const readSlider = () => read(nearest(xs, Number(slider.value)));
  slider.addEventListener("input", readSlider);
  drawing.element.addEventListener("pointermove", (event) => {
    const place = drawing.placeOf(event);
    slider.value = xs[place];
    read(place);
  });
  slider.value = low + (high - low) * 0.75;
  readSlider();
  const label = h("label", { for: "sweep-at", class: "hidden" }, `${column} to read the curves at`);
  return h("div", { class: "reader" }, label, slider, values);
}

const legend = (series) =>
  h(
    "ul",
    { class: "legend" },
    series.map(({ name, className }) => h("li", { class: className }, name)),
  );

function caption(at, column) {
  const others = Object.entries(at).filter(([name]) => name !== column);
  if (!others.length) return null;
  const words = others.slice(0, 6).map(([name, value]) => `${name} = ${show(value, 4)}`);
  return h("figcaption", { class: "muted" }, words.join(", ") + (others.length > 6 ? ", …" : ""));
}

/** Samples as an export has them, for models whose export has none: from the service. */
async function predictedCurve(model, place) {
  const { columns } = model.inputs[0];
  const middles = model.training.ranges.map(([low, high]) => Number(((low + high) / 2).toPrecision(6)));
  const inputs = around(...model.training.ranges[place]);
  const rows = inputs.map((value) => middles.with(place, value));
  const { predictions } = await predictRows(model, rows);
  return {
    target: outputsOf(model)[0],
    at: Object.fromEntries(zip(columns, middles)),
    curves: [{ column: columns[place], inputs, model: predictions.map((row) => row?.[0] ?? null), mlp: null }],
  };
}

/** Values within a range and ten widths beyond it, but not past zero, which many quantities do not cross. */
function around(low, high) {
  const width = high - low || Math.abs(high) || 1;
  const first = low >= 0 ? Math.max(0, low - REACH * width) : low - REACH * width;
  const last = high <= 0 ? Math.min(0, high + REACH * width) : high + REACH * width;
  return Array.from({ length: SAMPLES }, (_, index) => first + ((last - first) * index) / (SAMPLES - 1));
}

const zip = (xs, ys) => xs.map((x, index) => [x, ys[index]]);
