// A request of the Open Inference Protocol to edit and send, for models that take neither rows of numbers nor images.

import { h } from "./dom.js";
import { latest } from "./latest.js";
import { request } from "./service.js";

/** The place to try a model of tensors; onBody is called with the request. */
export function tensorWorkbench(model, onBody) {
  const field = h("textarea", { id: "tensors", spellcheck: "false", rows: 12 });
  const result = h("div", { "aria-live": "polite" });
  const fail = ({ message }) => result.replaceChildren(h("p", { class: "error", role: "alert" }, message));
  const run = latest(result, fail);
  field.value = text(exampleRequest(model));

  function read() {
    const body = JSON.parse(field.value);
    onBody({ body });
    return field.value; // as it is written: whole numbers may be larger than JavaScript's
  }
  const send = () =>
    run(async (signal) => {
      const path = `v2/models/${encodeURIComponent(model.name)}/versions/${model.version}/infer`;
      const { outputs } = await request(path, { method: "POST", body: read(), signal });
      result.replaceChildren(...outputs.map(output));
    });
  read();
  field.oninput = () => {
    try {
      read();
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error; // half-typed: Send tells
    }
  };
  return h(
    "div",
    { class: "workbench" },
    h(
      "section",
      { class: "try" },
      h(
        "div",
        { class: "section-head" },
        h("h2", {}, h("label", { for: "tensors" }, "Try it")),
        h("p", {}, "A request of the Open Inference Protocol."),
      ),
      field,
      h("p", { class: "actions" }, h("button", { class: "primary", onclick: send }, "Send")),
    ),
    h("section", {}, h("div", { class: "section-head" }, h("h2", {}, "Answer")), result),
  );
}

/** A request with the example row of every input, or with zeros. */
function exampleRequest({ inputs }) {
  const input = ({ name, datatype, shape, example }) => {
    const size = [1, ...shape.slice(1).map((length) => Math.max(1, length))];
    const count = size.reduce((product, length) => product * length, 1);
    const zero = { BYTES: "", BOOL: false }[datatype] ?? 0;
    const data = example == null ? new Array(count).fill(zero) : [example].flat(Infinity);
    return { name, datatype, shape: example == null ? size : [1, ...shapeOf(example)], data };
  };
  return { inputs: inputs.map(input) };
}

/** A request with a line for each input. */
const text = ({ inputs }) => `{"inputs": [\n  ${inputs.map((input) => JSON.stringify(input)).join(",\n  ")}\n]}`;

const shapeOf = (nested) => (Array.isArray(nested) ? [nested.length, ...shapeOf(nested[0])] : []);

const output = ({ name, shape, datatype, data }) =>
  h(
    "div",
    {},
    h("p", {}, h("strong", {}, name), h("span", { class: "muted" }, ` ${datatype} [${shape.join(", ")}]`)),
    h("pre", { class: "wrapped" }, data.slice(0, 200).join(", ") + (data.length > 200 ? ", …" : "")),
  );
