// Elements in one expression: h("p", {class: "note"}, "text", child).

const SVG = "http://www.w3.org/2000/svg";
const MATHML = "http://www.w3.org/1998/Math/MathML";

const builder =
  (create) =>
  (name, attributes = {}, ...children) => {
    const element = create(name);
    for (const [key, value] of Object.entries(attributes)) {
      if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
      else if (value === true) element.setAttribute(key, "");
      else if (value !== false && value != null) element.setAttribute(key, value);
    }
    element.append(...children.flat().filter((child) => child != null && child !== false));
    return element;
  };

export const h = builder((name) => document.createElement(name));
export const svg = builder((name) => document.createElementNS(SVG, name));
export const math = builder((name) => document.createElementNS(MATHML, name));

/** Calls a function once nothing has happened for a while. */
export function debounce(milliseconds, run) {
  let timer;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(run, milliseconds);
  };
}
