// A table to type or paste rows into, with the answers beside them.

import { debounce, h } from "./dom.js";
import { latest } from "./latest.js";
import { outputsOf } from "./manifest.js";
import { parseNumber, show } from "./numbers.js";
import { Row } from "./row.js";
import { predictRows } from "./service.js";
import { align, parseTable } from "./table-text.js";

const MOST_ROWS = 100;
const DELAY_MILLISECONDS = 150;

/**
 * The section with the table. onRows is called with the rows of numbers whenever they change, onLargeTable with a file
 * where more rows are pasted than the table holds.
 */
export function rowsSection(model, { onRows, onLargeTable }) {
  const table = new RowTable(model, onRows, onLargeTable);
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
        head(model),
        table.body,
      ),
    ),
    h("p", { class: "actions" }, h("button", { onclick: () => table.add([])?.focus(0) }, "Add row")),
    table.error,
    table.warnings,
  );
}

function head(model) {
  const title = (text, attributes) => h("th", { scope: "col", ...attributes }, text);
  return h(
    "thead",
    {},
    h(
      "tr",
      {},
      model.inputs[0].columns.map((name) => title(name)),
      outputsOf(model).map((name) => title(name, { class: "answer" })),
      model.uncertainty && title("95\u202f% interval"),
      title("Training range"),
      title(h("span", { class: "hidden" }, "Remove")),
    ),
  );
}

class RowTable {
  body = h("tbody");
  error = h("p", { class: "error", role: "alert", hidden: true });
  warnings = h("ul", { class: "warnings", "aria-live": "polite" });
  #rows = [];

  constructor(model, onRows, onLargeTable) {
    this.model = model;
    this.onRows = onRows;
    this.onLargeTable = onLargeTable;
    this.run = latest(this.body, (error) => this.fail(error));
    this.predictSoon = debounce(DELAY_MILLISECONDS, () => this.run((signal) => this.predict(signal)));
    examples(model).forEach((cells) => this.add(cells));
    this.predictSoon();
  }

  /** Appends a row; undefined where the table is full. */
  add(cells) {
    if (this.#rows.length === MOST_ROWS) return undefined;
    const row = new Row(this.model, cells, {
      onChange: () => this.predictSoon(),
      onMove: (step, column) => this.move(row, step, column),
      onPaste: (event, column) => this.paste(event, row, column),
      onRemove: () => this.remove(row),
    });
    this.#rows.push(row);
    this.body.append(row.element);
    return row;
  }

  remove(row) {
    const place = this.#rows.indexOf(row);
    this.#rows.splice(place, 1);
    row.element.remove();
    if (!this.#rows.length) this.add([]);
    this.#rows[Math.min(place, this.#rows.length - 1)].focus(0);
    this.predictSoon();
  }

  /** Moves the focus up or down; Enter in the last row adds one. */
  move(row, step, column) {
    const next = this.#rows[this.#rows.indexOf(row) + step.rows] ?? (step.add ? this.add([]) : undefined);
    next?.focus(column);
  }

  paste(event, row, column) {
    const text = event.clipboardData.getData("text");
    const table = parseTable(text);
    if (table.length < 2 && (table[0]?.length ?? 0) < 2) return;
    event.preventDefault();
    if (table.length > MOST_ROWS) return this.onLargeTable(new File([text], "pasted.csv"));
    try {
      this.fill(table, this.#rows.indexOf(row), column);
    } catch (error) {
      return this.fail(error);
    }
    this.predictSoon();
  }

  /** Puts cells into the table: whole rows, or as many columns as there are, from a cell on. */
  fill(table, first, column) {
    const { columns } = this.model.inputs[0];
    const from = table[0].length < columns.length ? column : 0;
    const { rows, places } = align(table, columns.slice(from, from + table[0].length));
    rows.forEach((cells, index) =>
      (this.#rows[first + index] ?? this.add([]))?.set(
        places.map((place) => cells[place]),
        from,
      ),
    );
  }

  async predict(signal) {
    this.error.hidden = true;
    const sound = this.#rows.filter((row) => row.numbers.every(Number.isFinite));
    this.#rows.filter((row) => !sound.includes(row)).forEach((row) => row.clear());
    const numbers = sound.map((row) => row.numbers);
    this.onRows({ rows: numbers });
    if (!sound.length) return this.warnings.replaceChildren();
    const intervals = this.model.uncertainty ? { intervals: true } : {};
    const response = await predictRows(this.model, numbers, { ...intervals, signal });
    sound.forEach((row, index) => row.answer(response, index));
    const text = ({ row, message }) => `Row ${this.#rows.indexOf(sound[row]) + 1}: ${message}`;
    this.warnings.replaceChildren(...response.warnings.map((warning) => h("li", {}, text(warning))));
  }

  fail({ message }) {
    this.error.textContent = message;
    this.error.hidden = false;
  }
}

/** Rows to begin with: one inside the range, and two ever farther outside. */
function examples({ training: { ranges }, inputs: [{ columns }] }) {
  if (!ranges.length) return [columns.map(() => "1")];
  const at = (share) =>
    ranges.map(([low, high], place) => String(Number((low + (high - low) * share * (1 + place / 8)).toPrecision(2))));
  return [at(0.4), at(2.5), at(40)];
}
