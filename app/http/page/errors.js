// Measured errors of a model, inside and outside its training range, beside those of its baseline.

import { h } from "./dom.js";
import { percent, show } from "./numbers.js";

const MEASURES = [
  ["accuracy", "Accuracy", percent],
  ["relative_rmse", "Relative RMSE", (value) => show(value, 2)],
  ["mae", "Mean absolute error", (value) => show(value, 2)],
];
const BASELINES = { mlp: "MLP of equal size", plain_head: "Linear head", linear_head: "Linear head" };
const RANGES = {
  interpolation: ["inside the range", "Error inside"],
  extrapolation: ["outside it", "Error outside"],
  below: ["below it", "Error below"],
  negative: ["of the other sign", "Error, other sign"],
  far: ["far outside", "Error far outside"],
};

/** One entry a range: title, value and baseline as text. */
export function errorsOf({ metrics }) {
  return Object.entries(metrics).flatMap(([range, measured]) => {
    const [measure, , format] = MEASURES.find(([name]) => measured[name] != null) ?? [];
    if (!measure) return [];
    const baseline = Object.keys(BASELINES).find((name) => measured[name]?.[measure] != null);
    const title = RANGES[range]?.[1] ?? range;
    return [
      {
        range,
        title: measure === "accuracy" ? title.replace("Error", "Accuracy") : title,
        value: format(measured[measure]),
        baseline: baseline && `${baseline === "mlp" ? "MLP" : "linear head"} ${format(measured[baseline][measure])}`,
      },
    ];
  });
}

/** A table of the errors; null where none were measured. */
export function errorTable({ metrics }) {
  const ranges = Object.entries(metrics).filter(([, measured]) => MEASURES.some(([name]) => measured[name] != null));
  if (!ranges.length) return null;
  const [measure, title, format] = MEASURES.find(([name]) => ranges[0][1][name] != null);
  const baseline = Object.keys(BASELINES).find((name) => ranges.some(([, measured]) => measured[name]));
  const line = ([range, measured]) =>
    h(
      "tr",
      {},
      h("th", { scope: "row" }, RANGES[range]?.[0] ?? range),
      h("td", {}, format(measured[measure])),
      baseline && h("td", {}, format(measured[baseline]?.[measure])),
      h("td", { class: "muted" }, measured.rows?.toLocaleString("en") ?? "–"),
    );
  return h(
    "table",
    { class: "plain" },
    h("caption", {}, title),
    h(
      "thead",
      {},
      h(
        "tr",
        {},
        h("th", { scope: "col" }, "On rows"),
        h("th", { scope: "col" }, "This model"),
        baseline && h("th", { scope: "col" }, BASELINES[baseline]),
        h("th", { scope: "col" }, "Rows"),
      ),
    ),
    h("tbody", {}, ranges.map(line)),
  );
}
