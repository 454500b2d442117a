// A table to type or paste rows into, with the answers beside them.

import { debounce, h } from "./dom.js";
import { outputsOf } from "./manifest.js";
import { parseNumber, show } from "./numbers.js";
import { predictRows } from "./service.js";
import { sweepSection } from "./sweep.js";
import { tableFile } from "./table-file.js";
import { align, parseTable } from "./table-text.js";

const MOST_ROWS = 100;
const DELAY_MILLISECONDS = 150;

/** The place to try a model of numbers: the table, the plot, and files. */
export async function numberWorkbench(model, onRows) {
  const file = tableFile(model);
  const table = rowTable(model, { onRows, onLargeTable: file.run });
  const wide = model.inputs[0].columns.length > 4 ? "workbench wide" : "workbench";
  return h("div", {}, h("div", { class: wide }, table, await sweepSection(model)), file.element);
}

function rowTable(model, { onRows, onLargeTable }) {
  const columns = model.inputs[0].columns;
  const outputs = outputsOf(model);
  const error = h("p", { class: "error", role: "alert", hidden: true });
  const warnings = h("ul", { class: "warnings", "aria-live": "polite" });
  const body = h("tbody");
  const lines = [];
  let sending = new AbortController();

  function line(cells = []) {
    const inputs = columns.map((column, place) =>
      h("input", {
        type: "text",
        inputmode: "decimal",
        autocomplete: "off",
        spellcheck: "false",
        value: cells[place] ?? "",
        "aria-label": column,
        oninput: changed,
        onkeydown: (event) => move(event, entry, place),
        onpaste: (event) => paste(event, entry, place),
      }),
    );
    const answers = outputs.map(() => h("td", { class: "answer" }));
    const interval = model.uncertainty && h("td", { class: "interval" });
    const range = h("td", { class: "range" });
    const remove = h(
      "button",
      { class: "link", title: "Remove row", "aria-label": "Remove row", onclick: () => drop(entry) },
      "×",
    );
    const row = h(
      "tr",
      {},
      inputs.map((input) => h("td", {}, input)),
      answers,
      interval,
      range,
      h("td", {}, remove),
    );
    const entry = { inputs, answers, interval, range, row };
    return entry;
  }

  function add(cells, focus = false) {
    const entry = line(cells);
    lines.push(entry);
    body.append(entry.row);
    if (focus) entry.inputs[0].focus();
    return entry;
  }

  function drop(entry) {
    const place = lines.indexOf(entry);
    lines.splice(place, 1);
    entry.row.remove();
    if (!lines.length) add([]);
    lines[Math.min(place, lines.length - 1)].inputs[0].focus();
    changed();
  }

  function move(event, entry, column) {
    const step = { ArrowDown: 1, ArrowUp: -1, Enter: 1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const place = lines.indexOf(entry) + step;
    if (place === lines.length && event.key === "Enter" && lines.length < MOST_ROWS) add([]);
    lines[place]?.inputs[column].focus();
  }

  function paste(event, entry, column) {
    const text = event.clipboardData.getData("text");
    const table = parseTable(text);
    if (table.length < 2 && (table[0]?.length ?? 0) < 2) return;
    event.preventDefault();
    if (table.length > MOST_ROWS) return onLargeTable(new File([text], "pasted.csv"));
    try {
      fill(table, lines.indexOf(entry), column);
    } catch (problem) {
      return fail(problem);
    }
    changed();
  }

  function fill(table, first, column) {
    const part = table[0].length < columns.length;
    const { rows, places } = align(table, part ? columns.slice(column, column + table[0].length) : columns);
    rows.forEach((cells, index) => {
      const entry = lines[first + index] ?? add([]);
      places.forEach((place, offset) => (entry.inputs[(part ? column : 0) + offset].value = cells[place] ?? ""));
    });
  }

  function fail(problem) {
    error.textContent = problem.message;
    error.hidden = false;
  }

  const changed = () => {
    const read = lines.map(({ inputs }) => inputs.map(({ value }) => parseNumber(value)));
    lines.forEach((entry, index) =>
      entry.inputs.forEach((input, place) => mark(model, input, read[index][place], place)),
    );
    later();
  };

  const later = debounce(DELAY_MILLISECONDS, async () => {
    const entries = lines.filter(({ inputs }) => inputs.every(({ value }) => Number.isFinite(parseNumber(value))));
    const rows = entries.map(({ inputs }) => inputs.map(({ value }) => parseNumber(value)));
    onRows({ rows });
    error.hidden = true;
    sending.abort();
    sending = new AbortController();
    lines.filter((entry) => !entries.includes(entry)).forEach((entry) => write(entry));
    if (!rows.length) return warnings.replaceChildren();
    try {
      const intervals = model.uncertainty ? { intervals: true } : {};
      const response = await predictRows(model, rows, { ...intervals, signal: sending.signal });
      entries.forEach((entry, index) => write(entry, response, index));
      warnings.replaceChildren(
        ...response.warnings.map(({ row, message }) =>
          h("li", {}, `Row ${lines.indexOf(entries[row]) + 1}: ${message}`),
        ),
      );
    } catch (problem) {
      if (problem.name !== "AbortError") fail(problem);
    }
  });

  examples(model).forEach((cells) => add(cells));
  changed();
  return h(
    "section",
    { class: "try" },
    h("div", { class: "section-head" }, h("h2", {}, "Try it"), h("p", {}, "Type, or paste rows from a spreadsheet.")),
    h(
      "div",
      { class: "scroll", tabindex: "0", role: "group", "aria-label": "Rows and answers" },
      h(
        "table",
        { class: "rows" },
        h("caption", { class: "hidden" }, `Rows for ${model.name}, with answers`),
        h(
          "thead",
          {},
          h(
            "tr",
            {},
            columns.map((name) => h("th", { scope: "col" }, name)),
            outputs.map((name) => h("th", { scope: "col", class: "answer" }, name)),
            model.uncertainty && h("th", { scope: "col", class: "interval" }, "95\u202f% interval"),
            h("th", { scope: "col" }, "Training range"),
            h("th", { scope: "col" }, h("span", { class: "hidden" }, "Remove")),
          ),
        ),
        body,
      ),
    ),
    h("p", { class: "actions" }, h("button", { onclick: () => lines.length < MOST_ROWS && add([], true) }, "Add row")),
    error,
    warnings,
  );
}

/** Marks a cell that is no number, or outside its column's range: not by colour alone. */
function mark(model, input, value, place) {
  const [low, high] = model.training.ranges[place] ?? [];
  const outside = value < low || value > high;
  const wrong = input.value.trim() !== "" && Number.isNaN(value);
  input.classList.toggle("outside", outside);
  input.toggleAttribute("aria-invalid", wrong);
  if (wrong) input.setAttribute("aria-invalid", "true");
  input.title = wrong
    ? "Not a number; 1,000 may mean 1 or 1000."
    : low === undefined
      ? ""
      : `Trained on ${show(low)} to ${show(high)}`;
}

/** Writes the answer beside a row; clears it without one. */
function write({ answers, interval, range, row }, response, index) {
  const prediction = response?.predictions[index];
  answers.forEach((cell, output) => {
    cell.textContent = response ? show(prediction?.[output], 8) : "";
    cell.title = prediction?.[output] ?? "";
  });
  const between = response?.intervals?.[index];
  if (interval) interval.textContent = between ? `${show(between[0], 5)} to ${show(between[1], 5)}` : "";
  const outside = response?.extrapolated[index] ?? false;
  row.classList.toggle("outside", outside);
  range.textContent = response ? inWords(response.extrapolated[index]) : "";
}

/** Where a row lies; of a model without a known range, nobody knows. */
const inWords = (extrapolated) => (extrapolated == null ? "unknown" : extrapolated ? "outside" : "inside");

/** Rows to begin with: one inside the range, and two ever farther outside. */
function examples({ training: { ranges }, inputs: [{ columns }] }) {
  if (!ranges.length) return [columns.map(() => "1")];
  const at = (share) =>
    ranges.map(([low, high], place) => {
      const value = low + (high - low) * share * (1 + place / 8);
      return String(Number(value.toPrecision(2)));
    });
  return [at(0.4), at(2.5), at(40)];
}
