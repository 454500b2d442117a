// A whole table at once: drop a CSV file, watch its rows being predicted, download it with the answers.

import { h } from "./dom.js";
import { latest } from "./latest.js";
import { outputsOf } from "./manifest.js";
import { parseNumber, show } from "./numbers.js";
import { predictRows } from "./service.js";
import { align, csvCell, parseTable } from "./table-text.js";

const MOST_BYTES = 64e6;
const CELLS_A_REQUEST = 20000;
const SHOWN = 8;
const TRIES = 5;

/** The section, and a function that runs a file. */
export function tableFile(model) {
  const result = h("div", { "aria-live": "polite" });
  const fail = ({ message }) => result.replaceChildren(h("p", { class: "error", role: "alert" }, message));
  const runLatest = latest(result, fail);
  const run = (file) => runLatest((signal) => predictFile(model, file, result, signal));

  const choose = h("input", {
    type: "file",
    id: "table-file",
    accept: ".csv,.tsv,.txt,text/csv",
    onchange: (event) => {
      if (event.target.files[0]) run(event.target.files[0]);
      event.target.value = "";
    },
  });
  const element = h(
    "section",
    { class: "drop", ...dropTarget((files) => run(files[0])) },
    h(
      "div",
      { class: "section-head" },
      h("h2", {}, "A whole table"),
      h(
        "p",
        {},
        `CSV with the columns ${model.inputs[0].columns.slice(0, 6).join(", ")}; other columns stay as they are.`,
      ),
    ),
    h("div", { class: "drop-zone" }, h("label", { for: "table-file" }, "Drop a CSV file here, or choose one"), choose),
    result,
  );
  return { element, run };
}

/** Attributes of an element on which files can be dropped. */
export function dropTarget(onFiles) {
  const over = (event, on) => {
    event.preventDefault();
    event.currentTarget.classList.toggle("over", on);
  };
  return {
    ondragover: (event) => over(event, true),
    ondragleave: (event) => over(event, false),
    ondrop: (event) => {
      over(event, false);
      if (event.dataTransfer.files.length) onFiles([...event.dataTransfer.files]);
    },
  };
}

async function read(file) {
  if (file.size > MOST_BYTES) {
    throw new RangeError(`${file.name} is larger than 64 MB; use python -m app.predict on the command line for it.`);
  }
  const text = await file.text();
  if (text.startsWith("PK\u0003\u0004") || text.includes("\0")) {
    throw new RangeError(`${file.name} is no text; save it as CSV, in UTF-8.`);
  }
  return text.replace(/^\ufeff/, "");
}

async function predictFile(model, file, result, signal) {
  const columns = model.inputs[0].columns;
  const { names, rows, places } = align(parseTable(await read(file)), columns);
  if (!rows.length) throw new RangeError(`${file.name} has no rows.`);
  const bar = h("progress", { max: rows.length, value: 0, "aria-label": "Predicted rows" });
  const count = h("p", { class: "muted" });
  result.replaceChildren(bar, count);
  const inputs = rows.map((cells) => places.map((place) => parseNumber(cells[place] ?? "")));
  const answers = await predictAll(model, inputs, signal, (done) => {
    bar.value = done;
    count.textContent = `${done.toLocaleString("en")} of ${rows.length.toLocaleString("en")} rows`;
  });
  const header = [...(names ?? columns), ...outputsOf(model), "extrapolated"];
  const lines = rows.map((cells, index) => [
    ...cells,
    ...(answers[index]?.values ?? outputsOf(model).map(() => "")),
    answers[index] ? answers[index].outside : "",
  ]);
  result.replaceChildren(...summary(file, answers), preview(header, lines, answers), download(file, header, lines));
}

/** The answers to all rows, null for those that hold no numbers or have no finite result. */
async function predictAll(model, inputs, signal, onProgress) {
  const answers = new Array(inputs.length).fill(null);
  const sound = inputs.flatMap((row, index) => (row.every(Number.isFinite) ? [index] : []));
  let size = Math.max(1, Math.floor(CELLS_A_REQUEST / inputs[0].length));
  for (let first = 0; first < sound.length;) {
    const part = sound.slice(first, first + size);
    const response = await predictPart(
      model,
      part.map((index) => inputs[index]),
      signal,
    );
    if (response === "smaller") {
      size = Math.ceil(size / 2);
      continue;
    }
    part.forEach((index, place) => {
      const values = response.predictions[place];
      answers[index] = {
        values: values ?? outputsOf(model).map(() => ""),
        outside: response.extrapolated[place],
        finite: Boolean(values),
      };
    });
    first += part.length;
    onProgress(first);
  }
  return answers;
}

/** The response to some rows; "smaller" where they are too many for one request. Waits while the service is busy. */
async function predictPart(model, rows, signal) {
  for (let attempt = 1; ; attempt++) {
    try {
      return await predictRows(model, rows, { signal });
    } catch (error) {
      if (error.status === 413 && rows.length > 1) return "smaller";
      if (![429, 503].includes(error.status) || attempt === TRIES) throw error;
      await new Promise((resolve) => setTimeout(resolve, 1000 * (error.retryAfter || 1)));
    }
  }
}

function summary(file, answers) {
  const outside = answers.filter((answer) => answer?.outside).length;
  const failed = answers.flatMap((answer, index) => (answer?.finite ? [] : [index + 1]));
  const count = (number, one) => `${number.toLocaleString("en")} ${one}${number === 1 ? "" : "s"}`;
  const listed = failed.slice(0, 10).join(", ") + (failed.length > 10 ? ", …" : "");
  return [
    h(
      "p",
      { class: "summary" },
      h("strong", {}, file.name),
      `: ${count(answers.length, "row")}, ${outside.toLocaleString("en")} outside the training range.`,
    ),
    ...(failed.length
      ? [
          h(
            "p",
            { class: "error" },
            `${count(failed.length, "row")} without an answer, as they hold no numbers or have no finite result: ${listed}.`,
          ),
        ]
      : []),
  ];
}

function preview(header, lines, answers) {
  const cell = (value) =>
    typeof value === "number" ? show(value, 8) : typeof value === "boolean" ? (value ? "outside" : "inside") : value;
  return h(
    "div",
    { class: "scroll", tabindex: "0", role: "group", "aria-label": "First rows with answers" },
    h(
      "table",
      { class: "rows preview" },
      h("caption", {}, lines.length > SHOWN ? `The first ${SHOWN} rows` : "All rows"),
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          header.map((name) => h("th", { scope: "col" }, name)),
        ),
      ),
      h(
        "tbody",
        {},
        lines.slice(0, SHOWN).map((line, index) =>
          h(
            "tr",
            { class: answers[index]?.outside ? "outside" : null },
            line.map((value) => h("td", {}, cell(value))),
          ),
        ),
      ),
    ),
  );
}

function download(file, header, lines) {
  const text = [header, ...lines].map((line) => line.map(csvCell).join(",")).join("\n");
  const address = URL.createObjectURL(new Blob([text, "\n"], { type: "text/csv" }));
  const name = `${file.name.replace(/\.[^.]*$/, "")}-predicted.csv`;
  return h(
    "p",
    { class: "actions" },
    h("a", { class: "button primary", href: address, download: name }, "Download CSV"),
  );
}
