// One model: what it computes, a place to try it, its measured errors, and where it comes from.

import { callSection } from "./calls.js";
import { h } from "./dom.js";
import { errorTable } from "./errors.js";
import { formulaElement } from "./formula.js";
import { imageWorkbench } from "./images.js";
import { outputsOf } from "./manifest.js";
import { show } from "./numbers.js";
import { reportLink } from "./report.js";
import { rowsSection } from "./rows.js";
import { sweepSection } from "./sweep.js";
import { tableFile } from "./table-file.js";
import { tensorWorkbench } from "./tensors.js";

const [BROAD, WIDE] = [3, 6];

/** The view of a model. */
export async function modelView(model) {
  const calls = callSection(model);
  return h(
    "article",
    { class: "model" },
    h("nav", { class: "crumbs", "aria-label": "Breadcrumb" }, h("a", { href: "#/" }, "Models"), " / ", model.name),
    h(
      "header",
      { class: "model-head" },
      h("div", {}, h("h1", {}, model.name), h("p", { class: "lead" }, model.summary)),
      model.formula &&
        h(
          "div",
          { class: "formula", tabindex: "0", role: "group", "aria-label": "Formula" },
          formulaElement(model.formula, { target: model.outputs[0].columns?.[0] }),
        ),
    ),
    await workbench(model, calls),
    h(
      "div",
      { class: "columns" },
      h(
        "section",
        {},
        h("h2", {}, "Measured errors"),
        errorTable(model) ?? h("p", { class: "muted" }, "None were measured."),
      ),
      about(model),
    ),
    calls.element,
  );
}

async function workbench(model, calls) {
  if (model.task === "arithmetic") return numberWorkbench(model, calls.update);
  return model.image ? imageWorkbench(model, calls.update) : tensorWorkbench(model, calls.update);
}

/** The place to try a model of numbers: the table, the plot, and files. */
async function numberWorkbench(model, onRows) {
  const file = tableFile(model);
  const rows = rowsSection(model, { onRows, onLargeTable: file.run });
  const cells = model.inputs[0].columns.length + outputsOf(model).length + (model.uncertainty ? 2 : 0);
  const width = cells > WIDE ? "workbench wide" : cells > BROAD ? "workbench broad" : "workbench";
  return h("div", {}, h("div", { class: width }, rows, await sweepSection(model)), file.element);
}

function about(model) {
  const { training, unit, dims, files } = model;
  const rows = [
    ["Version", String(model.version)],
    ["Unit", [unit, dims.join(" → ")].filter(Boolean).join(", ")],
    ["Training data", training.data],
    ["Command", h("code", {}, training.command)],
    ["Model card", reportLink(model)],
    [
      "Weights",
      h("code", { title: files["model.onnx"]?.sha256 }, `SHA-256 ${files["model.onnx"]?.sha256.slice(0, 12) ?? "–"}…`),
    ],
  ];
  return h(
    "section",
    {},
    h("h2", {}, "Where it comes from"),
    h(
      "dl",
      { class: "facts wide" },
      rows.filter(([, detail]) => detail).map(([term, detail]) => h("div", {}, h("dt", {}, term), h("dd", {}, detail))),
    ),
    constants(model),
    h("details", {}, h("summary", {}, "Manifest"), h("pre", { tabindex: "0" }, JSON.stringify(model, null, 2))),
  );
}

function constants({ uncertainty }) {
  if (!uncertainty?.constants.length) return null;
  return h(
    "table",
    { class: "plain" },
    h("caption", {}, "Constants, with standard errors"),
    h(
      "thead",
      {},
      h(
        "tr",
        {},
        ["Of", "Value", "Fitted", "Standard error"].map((title) => h("th", { scope: "col" }, title)),
      ),
    ),
    h(
      "tbody",
      {},
      uncertainty.constants.map((each) =>
        h(
          "tr",
          {},
          h("th", { scope: "row" }, each.function ? `${each.function}(${each.term})` : each.term),
          [each.value, each.estimate, each.standard_error].map((value) => h("td", {}, show(value))),
        ),
      ),
    ),
  );
}
