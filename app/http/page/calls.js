// The call of what is on the screen, to copy: curl, Python, tritonclient.

import { h } from "./dom.js";
import { kindOf } from "./manifest.js";
import { key, root } from "./service.js";

const MOST_ROWS = 20;
const base = root.replace(/\/$/, "");

/** The section, and a function that is told what is on the screen: {rows} or {name}. */
export function callSection(model) {
  const code = h("code");
  const copied = h("span", { class: "muted", role: "status" });
  const kinds = Object.entries(CALLS[kindOf(model)]);
  const buttons = kinds.map(([title], index) =>
    h(
      "button",
      {
        role: "tab",
        id: `call-${index}`,
        "aria-controls": "call",
        onclick: () => choose(index),
        onkeydown: (event) => move(event, index),
      },
      title,
    ),
  );
  let screen = {};
  let chosen = 0;

  function choose(index) {
    chosen = index;
    buttons.forEach((button, place) => {
      button.setAttribute("aria-selected", place === chosen);
      button.tabIndex = place === chosen ? 0 : -1;
    });
    panel.setAttribute("aria-labelledby", `call-${index}`);
    write();
  }
  function move({ key: name }, index) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[name];
    if (!step) return;
    choose((index + step + buttons.length) % buttons.length);
    buttons[chosen].focus();
  }
  function write() {
    code.textContent = kinds[chosen][1](model, screen);
    copied.textContent = "";
  }
  async function copy() {
    try {
      await navigator.clipboard.writeText(code.textContent);
      copied.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(code);
      copied.textContent = "Selected: copy it with the keyboard";
    }
  }

  const panel = h("div", { role: "tabpanel", id: "call", tabindex: "0", class: "scroll" }, h("pre", {}, code));
  choose(0);
  const element = h(
    "section",
    { class: "calls" },
    h(
      "div",
      { class: "section-head" },
      h("h2", {}, "Call it from code"),
      h("p", {}, key.get() ? "The key is read from the environment: NALU_KEY." : ""),
    ),
    h(
      "div",
      { class: "tabs" },
      h("div", { role: "tablist", "aria-label": "Language" }, buttons),
      copied,
      h("button", { onclick: copy }, "Copy"),
    ),
    panel,
  );
  const update = (next) => {
    screen = next;
    write();
  };
  return { element, update };
}

const python = (value) => JSON.stringify(value);
const shell = (text) => `'${text.replaceAll("'", String.raw`'\''`)}'`;
const shellKey = () => (key.get() ? ` \\\n  -H "Authorization: Bearer $NALU_KEY"` : "");
const pythonKey = () => (key.get() ? `, headers={"Authorization": f"Bearer {os.environ['NALU_KEY']}"}` : "");
const imports = (...names) => (key.get() ? "import os\n\n" : "") + names.map((name) => `import ${name}\n`).join("");
const rowsOf = (model, { rows = [] }) =>
  rows.length ? rows.slice(0, MOST_ROWS) : [model.inputs[0].columns.map(() => 1)];
const fileOf = ({ name = "image.png" }) => name;

function tritonClient(model, lines) {
  const [input] = model.inputs;
  const [output] = model.outputs;
  return `${imports("numpy as np")}${lines.imports ?? ""}import tritonclient.http as triton

client = triton.InferenceServerClient(${python(base.replace(/^https?:\/\//, ""))}${base.startsWith("https") ? ", ssl=True" : ""})
${lines.array}
tensor = triton.InferInput(${python(input.name)}, list(array.shape), ${python(input.datatype)})
tensor.set_data_from_numpy(array)
result = client.infer(${python(model.name)}, [tensor]${pythonKey()})
print(result.as_numpy(${python(output.name)}))`;
}

const NUMBERS = { FP64: "float64", FP32: "float32", FP16: "float16" };
const numpyType = (datatype) => NUMBERS[datatype] ?? datatype.toLowerCase();

const tritonTensors = (model) =>
  tritonClient(model, {
    array: `array = np.zeros(${python(model.inputs[0].shape.map((size) => Math.max(1, size)))}, np.${numpyType(model.inputs[0].datatype)})`,
  });

const CALLS = {
  arithmetic: {
    curl: (model, screen) =>
      `curl -s ${base}/predict/arithmetic${shellKey()} \\\n  -d ${shell(JSON.stringify({ model: model.name, inputs: rowsOf(model, screen) }))}`,
    Python: (model, screen) => `${imports("requests")}
body = {"model": ${python(model.name)}, "inputs": ${python(rowsOf(model, screen))}}
response = requests.post(${python(`${base}/predict/arithmetic`)}, json=body${pythonKey()})
response.raise_for_status()
print(response.json()["predictions"])`,
    tritonclient: (model, screen) =>
      tritonClient(model, { array: `array = np.array(${python(rowsOf(model, screen))}, np.float64)` }),
  },
  image: {
    curl: (model, screen) =>
      `curl -s ${base}/predict/image${shellKey()} \\\n  -F model=${model.name} -F ${shell(`files=@${fileOf(screen)}`)}`,
    Python: (model, screen) => `${imports("requests")}
with open(${python(fileOf(screen))}, "rb") as image:
    response = requests.post(
        ${python(`${base}/predict/image`)}, data={"model": ${python(model.name)}}, files={"files": image}${pythonKey()}
    )
response.raise_for_status()
print(response.json()["predictions"])`,
    tritonclient: (model, screen) =>
      tritonClient(model, {
        imports: "from PIL import Image\n",
        array: `image = Image.open(${python(fileOf(screen))}).convert(${python(model.image.mode)})
array = np.asarray(image, np.uint8).reshape(1, image.height, image.width, -1).transpose(0, 3, 1, 2).copy()`,
      }),
  },
  "": { tritonclient: tritonTensors },
};
