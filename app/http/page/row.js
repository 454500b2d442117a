// One row of numbers to type into, and its answer.

import { h } from "./dom.js";
import { outputsOf } from "./manifest.js";
import { parseNumber, show } from "./numbers.js";

const STEPS = { ArrowDown: { rows: 1 }, ArrowUp: { rows: -1 }, Enter: { rows: 1, add: true } };

/** Calls onChange, onMove(step, column), onPaste(event, column) and onRemove. */
export class Row {
  #inputs;
  #answers;
  #interval;
  #range = h("td", { class: "range" });

  constructor(model, cells, { onChange, onMove, onPaste, onRemove }) {
    this.ranges = model.training.ranges;
    this.onChange = onChange;
    this.#inputs = model.inputs[0].columns.map((name, column) =>
      this.#input(name, cells[column], {
        onpaste: (event) => onPaste(event, column),
        onkeydown: (event) => {
          if (!STEPS[event.key]) return;
          event.preventDefault();
          onMove(STEPS[event.key], column);
        },
      }),
    );
    this.#answers = outputsOf(model).map(() => h("td", { class: "answer" }));
    this.#interval = model.uncertainty && h("td", { class: "interval" });
    const remove = h(
      "button",
      { class: "link", title: "Remove row", "aria-label": "Remove row", onclick: onRemove },
      "×",
    );
    this.element = h(
      "tr",
      {},
      this.#inputs.map((input) => h("td", {}, input)),
      this.#answers,
      this.#interval,
      this.#range,
      h("td", {}, remove),
    );
    this.#mark();
  }

  #input(name, value = "", listeners) {
    const oninput = () => {
      this.#mark();
      this.onChange();
    };
    const attributes = { type: "text", inputmode: "decimal", autocomplete: "off", spellcheck: "false" };
    return h("input", { ...attributes, value, "aria-label": name, oninput, ...listeners });
  }

  get numbers() {
    return this.#inputs.map(({ value }) => parseNumber(value));
  }

  focus(column) {
    this.#inputs[column].focus();
  }

  /** Puts texts into the cells from a column on. */
  set(cells, from) {
    cells.forEach((cell, index) => (this.#inputs[from + index].value = cell ?? ""));
    this.#mark();
  }

  /** Marks cells that are no number, or outside their column's range: not by colour alone. */
  #mark() {
    this.numbers.forEach((number, column) => {
      const input = this.#inputs[column];
      const [low, high] = this.ranges[column] ?? [];
      const wrong = input.value.trim() !== "" && Number.isNaN(number);
      input.classList.toggle("outside", number < low || number > high);
      input.ariaInvalid = wrong ? "true" : null;
      const range = low === undefined ? "" : `Trained on ${show(low)} to ${show(high)}`;
      input.title = wrong ? "Not a number; 1,000 may mean 1 or 1000." : range;
    });
  }

  clear() {
    for (const cell of [...this.#answers, this.#range, ...(this.#interval ? [this.#interval] : [])])
      cell.textContent = "";
    this.element.classList.remove("outside");
  }

  /** Shows the row's part of a response. */
  answer({ predictions, extrapolated, intervals }, index) {
    this.#answers.forEach((cell, output) => {
      cell.textContent = show(predictions[index]?.[output], 8);
      cell.title = predictions[index]?.[output] ?? "";
    });
    const [lowest, highest] = intervals?.[index] ?? [];
    if (this.#interval)
      this.#interval.textContent = lowest === undefined ? "–" : `${show(lowest, 5)} to ${show(highest, 5)}`;
    this.element.classList.toggle("outside", extrapolated[index] === true);
    this.#range.textContent = { true: "outside", false: "inside" }[extrapolated[index]] ?? "unknown";
  }
}
