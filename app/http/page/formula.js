// A manifest's formula, such as "0.5 * mass * speed**2", as MathML.

import { h, math } from "./dom.js";

const TOKEN =
  /\s*(?:(\d+\.?\d*(?:e[+-]?\d+)?|\.\d+(?:e[+-]?\d+)?)|("[^"]*")|([\p{L}_][\p{L}\p{N}_]*)|(\*\*|[-+*/(){}[\],:]))/uy;
const POWER = { "+": 1, "-": 1, "*": 2, "/": 2, negative: 3, "**": 4 };

function tokens(text) {
  const found = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.trimEnd().length) {
    const match = TOKEN.exec(text);
    if (!match) throw new SyntaxError(text);
    const [, number, quoted, name, operator] = match;
    if (operator) found.push({ operator });
    else found.push(number ? { number } : { name: quoted ? quoted.slice(1, -1) : name, quoted: Boolean(quoted) });
  }
  return found;
}

/** Parses as Python does: ** before a sign before * and / before + and -. */
function parse(text) {
  const rest = tokens(text);
  const next = (operator) => rest[0]?.operator === operator && Boolean(rest.shift());
  const expect = (operator) => {
    if (!next(operator)) throw new SyntaxError(text);
  };
  const list = (closing, item) => {
    const items = [item()];
    while (next(",")) items.push(item());
    expect(closing);
    return items;
  };
  const left = (operators, operand) => () => {
    let node = operand();
    while (operators.includes(rest[0]?.operator)) node = { operator: rest.shift().operator, of: [node, operand()] };
    return node;
  };
  const cases = () => {
    const pairs = list("}", () => {
      const value = sum();
      expect(":");
      return [value, sum()];
    });
    expect("[");
    return { cases: pairs, column: list("]", sum)[0] };
  };
  const atom = () => {
    if (next("(")) return list(")", sum)[0];
    if (next("{")) return cases();
    const token = rest.shift();
    if (!token || token.operator) throw new SyntaxError(text);
    return token.name && !token.quoted && next("(") ? { call: token.name, of: list(")", sum) } : token;
  };
  const power = () => {
    const base = atom();
    return next("**") ? { operator: "**", of: [base, unary()] } : base;
  };
  const unary = () => (next("-") ? { operator: "negative", of: [unary()] } : power());
  const product = left(["*", "/"], unary);
  const sum = left(["+", "-"], product);
  const node = sum();
  if (rest.length) throw new SyntaxError(text);
  return node;
}

const row = (...parts) => math("mrow", {}, ...parts);
const sign = (text) => math("mo", {}, text);
const inBrackets = (node) => row(sign("("), draw(node), sign(")"));

/** A name: of one letter in italics, with its digits or last part as an index. */
export function nameOf(name) {
  const [, base, index] = name.match(/^([^_]+)_(\w{1,3})$/u) ?? name.match(/^(\p{L})(\d+)$/u) ?? [];
  return index ? math("msub", {}, math("mi", {}, base), math("mi", {}, index)) : math("mi", {}, name);
}

function number(text) {
  const [mantissa, exponent] = text.split("e");
  if (exponent === undefined) return math("mn", {}, text);
  const ten = math("msup", {}, math("mn", {}, "10"), math("mn", {}, String(Number(exponent)).replace("-", "−")));
  return Number(mantissa) === 1 ? ten : row(math("mn", {}, mantissa), sign("×"), ten);
}

const leftmost = (node) => (node.operator === "**" || node.operator === "*" ? leftmost(node.of[0]) : node);

/** The sign between two factors: none where neither is a word. */
function times(before, after) {
  const last = before.operator === "*" ? before.of[1] : before;
  if (leftmost(after).number) return sign("×");
  const word = (node) => (node.name ?? node.of?.[0]?.name ?? "").length > 1;
  return word(last) && word(after) ? sign("⋅") : math("mspace", { width: "0.17em" });
}

function operand(node, binding) {
  return (POWER[node.operator] ?? 9) < binding ? inBrackets(node) : draw(node);
}

function drawOperator({ operator, of: [first, second] }) {
  if (operator === "negative") return row(sign("−"), operand(first, 2));
  if (operator === "/") return math("mfrac", {}, draw(first), draw(second));
  if (operator === "**")
    return math("msup", {}, first.number?.includes("e") ? inBrackets(first) : operand(first, 9), draw(second));
  if (operator === "*") return row(operand(first, 2), times(first, second), operand(second, 2));
  return row(draw(first), sign(operator === "-" ? "−" : "+"), operand(second, operator === "-" ? 2 : 1));
}

function drawCall({ call, of }) {
  if (call === "sqrt") return math("msqrt", {}, draw(of[0]));
  if (call === "abs" || call === "Abs") return row(sign("|"), draw(of[0]), sign("|"));
  const list = of.flatMap((argument, index) => (index ? [sign(","), draw(argument)] : [draw(argument)]));
  return row(math("mi", {}, call), sign("("), ...list, sign(")"));
}

function drawCases({ cases, column }) {
  const line = ([value, constant]) =>
    math("mtr", {}, math("mtd", {}, draw(constant)), math("mtd", {}, draw(column), sign("="), draw(value)));
  return row(sign("{"), math("mtable", { columnalign: "left" }, cases.map(line)));
}

function draw(node) {
  if (node.number) return number(node.number);
  if (node.name === "pi" && !node.quoted) return math("mi", {}, "π");
  if (node.name !== undefined) return nameOf(node.name);
  if (node.cases) return drawCases(node);
  return node.call ? drawCall(node) : drawOperator(node);
}

/** MathML of a formula, with what it computes before an equals sign if that is given; code where it is no formula. */
export function formulaElement(text, { target, display = "block" } = {}) {
  try {
    const before = target ? [nameOf(target), sign("=")] : [];
    return math("math", { display }, row(...before, draw(parse(text))));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return h("code", {}, text);
  }
}
