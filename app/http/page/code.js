// The call of what is on the screen as text: curl, Python, tritonclient. Each function gets the model and {rows}, {name}
// or {body}, as its workbench tells.

import { key, root } from "./service.js";

const MOST_ROWS = 20;
const base = root.replace(/\/$/, "");
const [, scheme, host] = base.match(/^(https?):\/\/(.*)$/);

const NUMPY = { FP64: "float64", FP32: "float32", FP16: "float16", BYTES: "object_", BOOL: "bool_" };
const CONSTANTS = new Map([
  [null, "None"],
  [true, "True"],
  [false, "False"],
]);

/** A value as a literal of Python. */
function python(value) {
  if (Array.isArray(value)) return `[${value.map(python).join(", ")}]`;
  if (typeof value !== "object" || value === null) return CONSTANTS.get(value) ?? JSON.stringify(value);
  return `{${Object.entries(value)
    .map(([name, part]) => `${python(name)}: ${python(part)}`)
    .join(", ")}}`;
}

const shell = (text) => `'${text.replaceAll("'", String.raw`'\''`)}'`;
const shellKey = () => (key.get() ? ` \\\n  -H "Authorization: Bearer $NALU_KEY"` : "");
const pythonKey = () => (key.get() ? `, headers={"Authorization": f"Bearer {os.environ['NALU_KEY']}"}` : "");
const imports = (...lines) => [...(key.get() ? ["import os", ""] : []), ...lines].join("\n");
const rowsOf = (model, { rows = [] }) =>
  rows.length ? rows.slice(0, MOST_ROWS) : [model.inputs[0].columns.map(() => 1)];
const fileOf = ({ name = "image.png" }) => name;

const curl = (path, body) => `curl -s ${base}/${path}${shellKey()} \\\n  ${body}`;

const requests = (path, value) => `${imports("import requests")}

body = ${python(value)}
response = requests.post(${python(`${base}/${path}`)}, json=body${pythonKey()})
response.raise_for_status()
print(response.json())`;

/** Inputs: [name, datatype, code of the array]. */
function triton(model, inputs, lines = []) {
  const secure = scheme === "https" ? ", ssl=True" : "";
  const tensors = inputs.map(
    ([name, datatype, array]) => `array = ${array}
inputs.append(triton.InferInput(${python(name)}, list(array.shape), ${python(datatype)}))
inputs[-1].set_data_from_numpy(array)`,
  );
  return `${imports("import numpy as np", "import tritonclient.http as triton", ...lines)}

client = triton.InferenceServerClient(${python(host)}${secure})
inputs = []
${tensors.join("\n")}
result = client.infer(${python(model.name)}, inputs${pythonKey()})
${model.outputs.map(({ name }) => `print(result.as_numpy(${python(name)}))`).join("\n")}`;
}

const ofNumbers = {
  curl: (model, screen) =>
    curl("predict/arithmetic", `-d ${shell(JSON.stringify({ model: model.name, inputs: rowsOf(model, screen) }))}`),
  Python: (model, screen) => requests("predict/arithmetic", { model: model.name, inputs: rowsOf(model, screen) }),
  tritonclient: (model, screen) => {
    const [{ name, datatype }] = model.inputs;
    return triton(model, [[name, datatype, `np.array(${python(rowsOf(model, screen))}, np.${NUMPY[datatype]})`]]);
  },
};

const ofImages = {
  curl: (model, screen) => curl("predict/image", `-F model=${model.name} -F ${shell(`files=@${fileOf(screen)}`)}`),
  Python: (model, screen) => `${imports("import requests")}

with open(${python(fileOf(screen))}, "rb") as image:
    response = requests.post(
        ${python(`${base}/predict/image`)}, data={"model": ${python(model.name)}}, files={"files": image}${pythonKey()}
    )
response.raise_for_status()
print(response.json())`,
  tritonclient: (model, screen) => {
    const [{ name, datatype }] = model.inputs;
    const image = `np.asarray(Image.open(${python(fileOf(screen))}).convert(${python(model.image.mode)}))`;
    const array = `np.atleast_3d(${image}).transpose(2, 0, 1)[np.newaxis].copy()`;
    return triton(model, [[name, datatype, array]], ["from PIL import Image"]);
  },
};

const path = ({ name }) => `v2/models/${name}/infer`;
const ofTensors = {
  curl: (model, { body }) => curl(path(model), `-d ${shell(JSON.stringify(body))}`),
  Python: (model, { body }) => requests(path(model), body),
  tritonclient: (model, { body }) => {
    const array = ({ data, datatype, shape }) =>
      `np.array(${python(data)}, np.${NUMPY[datatype] ?? datatype.toLowerCase()}).reshape(${python(shape)})`;
    return triton(
      model,
      body.inputs.map((input) => [input.name, input.datatype, array(input)]),
    );
  },
};

/** By what a model takes, as kindOf tells. */
export const CODE = { arithmetic: ofNumbers, image: ofImages, "": ofTensors };
