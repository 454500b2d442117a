// Tables as text: copied from a spreadsheet, or in a CSV file.

import { parseNumber } from "./numbers.js";

const DELIMITERS = ["\t", ";", ",", "|"];

/** The cells of a text with tabs, semicolons, commas or bars between them, quoted as in RFC 4180; without blank lines. */
export function parseTable(text) {
  const delimiter = findDelimiter(text);
  const rows = [];
  const cell = new RegExp(
    `(?:"((?:[^"]|"")*)"[^${delimiter}\\r\\n]*|([^${delimiter}\\r\\n]*))([${delimiter}]|\\r\\n|\\n|\\r|$)`,
    "y",
  );
  let row = [];
  while (cell.lastIndex < text.length || row.length) {
    const match = cell.exec(text);
    if (!match) break;
    const [whole, quoted, plain, end] = match;
    row.push((quoted?.replaceAll('""', '"') ?? plain).trim());
    if (end !== delimiter) {
      if (row.some(Boolean)) rows.push(row);
      row = [];
    }
    if (!whole) break;
  }
  return rows;
}

function findDelimiter(text) {
  const line = text
    .trimStart()
    .split(/\r|\n/, 1)[0]
    .replace(/"[^"]*"/g, "");
  const found = DELIMITERS.find((each) => line.includes(each)) ?? "\t";
  return found === "," && /^[+-]?\d+,\d+$/.test(line.trim()) && parseNumber(line) ? "\t" : found;
}

/**
 * Puts the columns of a table into a model's order: by their names where the first row has names, else as they stand.
 * Returns the rows, the row of names or null, and the place of every column. Raises RangeError where they do not fit.
 */
export function align(table, columns) {
  const [first = []] = table;
  const names = first.some((cell) => cell && Number.isNaN(parseNumber(cell))) ? first : null;
  const known = names?.map((name) => name.toLowerCase());
  const byName = columns.map((column) => known?.indexOf(column.toLowerCase()) ?? -1);
  const rows = names ? table.slice(1) : table;
  if (names && !byName.includes(-1)) return { names, rows, places: byName };
  if (!names && first.length === columns.length) return { names, rows, places: columns.map((_, place) => place) };
  const has = names ? `columns ${names.slice(0, 8).join(", ")}` : `${first.length} columns`;
  throw new RangeError(
    `The table has ${has}; the model takes ${columns.join(", ")}. Name its columns so in the first row.`,
  );
}

/** A cell for a CSV file. */
export const csvCell = (value) => {
  const text = String(value ?? "");
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};
