// All models as cards.

import { h } from "./dom.js";
import { errorsOf } from "./errors.js";
import { formulaElement } from "./formula.js";
import { kindOf, trainedOn } from "./manifest.js";

const KINDS = [
  ["arithmetic", "Numbers", "Rows of numbers in, numbers out."],
  ["image", "Images", "Draw or drop an image, read a label or a value."],
  ["", "Tensors", "Served over the Open Inference Protocol."],
];

/** The view of all models: manifests of those that are served, and the states of all version folders. */
export function overview(models, health) {
  const groups = KINDS.map(([task, title, note]) => {
    const group = models.filter((model) => kindOf(model) === task);
    return group.length > 0 && section(title, note, group.map(card));
  });
  const damaged = (health.models ?? []).filter(({ state }) => state !== "ready");
  return h(
    "div",
    {},
    h(
      "section",
      { class: "intro" },
      h("h1", {}, "Models"),
      h(
        "p",
        { class: "lead" },
        "Small networks that do arithmetic and stay right beyond the range they were trained on. ",
        "Pick one and try it.",
      ),
    ),
    models.length === 0 && h("p", { class: "empty" }, health.reason ?? "No model is served yet."),
    ...groups,
    damaged.length > 0 &&
      section("Not served", "Version folders that are damaged; the reason tells the repair.", damaged.map(damagedCard)),
  );
}

function section(title, note, cards) {
  return h(
    "section",
    {},
    h("div", { class: "section-head" }, h("h2", {}, title), h("p", {}, note)),
    h(
      "ul",
      { class: "cards" },
      cards.map((each) => h("li", {}, each)),
    ),
  );
}

function card(model) {
  return h(
    "a",
    { class: "card", href: `#/${encodeURIComponent(model.name)}` },
    h(
      "div",
      { class: "card-head" },
      h("h3", {}, model.name),
      h("span", { class: "state good" }, `ready, v${model.version}`),
    ),
    h("div", { class: "card-formula" }, hero(model)),
    h("p", { class: "card-summary" }, model.summary),
    h(
      "dl",
      { class: "facts" },
      h("div", {}, h("dt", {}, "Trained on"), h("dd", {}, trainedOn(model))),
      errorsOf(model)
        .slice(0, 2)
        .map(({ title, value, baseline }) =>
          h(
            "div",
            {},
            h("dt", {}, title),
            h("dd", {}, value, baseline && h("span", { class: "muted" }, ` · ${baseline}`)),
          ),
        ),
    ),
  );
}

/** The formula, or what a model without one is. */
function hero(model) {
  if (model.formula) return formulaElement(model.formula, { target: model.outputs[0].columns?.[0] });
  if (model.classes) return h("span", { class: "no-formula" }, `image → one of ${model.classes.length} classes`);
  const count = ({ length }, one) => `${length} ${one}${length === 1 ? "" : "s"}`;
  const tensors = `${count(model.inputs, "input")} → ${count(model.outputs, "output")}`;
  const words = { image: "image → value", arithmetic: `${model.unit}, no formula`, "": tensors }[kindOf(model)];
  return h("span", { class: "no-formula" }, words);
}

const damagedCard = ({ name, version, reason }) =>
  h(
    "div",
    { class: "card damaged" },
    h("div", { class: "card-head" }, h("h3", {}, name), h("span", { class: "state bad" }, `damaged, v${version}`)),
    h("p", { class: "card-summary" }, reason),
  );
