// Numbers as people write them, read and shown.

const GROUPED = [
  [/^[+-]?\d{1,3}(,\d{3})+\.\d*$|^[+-]?\d{1,3}(,\d{3}){2,}$/, (text) => text.replaceAll(",", "")],
  [/^[+-]?\d{1,3}(\.\d{3})+,\d*$|^[+-]?\d{1,3}(\.\d{3}){2,}$/, (text) => text.replaceAll(".", "").replace(",", ".")],
  [/^[+-]?(0|\d*),(\d{1,2}|\d{4,})(e[+-]?\d+)?$|^[+-]?0?,\d+$/i, (text) => text.replace(",", ".")],
];
const FLOAT = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/** Reads a number with decimal point or comma. NaN where it is none, or where 1,000 could be 1 or 1000. */
export function parseNumber(text) {
  let plain = text
    .trim()
    .replace(/[\s\u00a0\u202f_]/g, "")
    .replace("\u2212", "-");
  const grouped = GROUPED.find(([pattern]) => pattern.test(plain));
  if (grouped) plain = grouped[1](plain);
  return FLOAT.test(plain) ? Number(plain) : NaN;
}

const SUPERSCRIPTS = { "-": "\u207b", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };

/** A number with so many significant digits, in powers of ten where it is very large or small. */
export function show(value, digits = 6) {
  if (value == null || Number.isNaN(value)) return "–";
  const size = Math.abs(value);
  if (size === 0 || (size >= 1e-4 && size < 10 ** Math.max(digits, 6))) {
    return String(Number(value.toPrecision(digits))).replace("-", "\u2212");
  }
  const [mantissa, exponent] = value.toExponential(digits - 1).split("e");
  const power = [...String(Number(exponent))].map((digit) => SUPERSCRIPTS[digit]).join("");
  return `${Number(mantissa)}\u202f×\u202f10${power}`.replace("-", "\u2212");
}

/** A share as percent. */
export const percent = (share, digits = 3) => `${show(share * 100, digits)}\u202f%`;

/** Tick values for an axis: multiples of 1, 2 or 5 times a power of ten. */
export function ticks(low, high, count) {
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((factor) => factor * power >= rough) * power;
  const first = Math.ceil(low / step);
  const last = Math.floor(high / step);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => (first + index) * step);
}
