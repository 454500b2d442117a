// A canvas to draw on.

import { h } from "./dom.js";
import { centred, inkStrokes, reduced } from "./ink.js";

const ASPECT = 0.42;
const LEAST_HEIGHT = 180;
const REDUCTION = 4;
const LINE_PIXELS = 20;
const CENTRED_PIXELS = 112;
const PEN = { centred: 13, reduced: 9 };
const COLOURS = { dark: { ink: "#000", paper: "#fff" }, light: { ink: "#fff", paper: "#000" } };
const HINTS = {
  centred: "Draw one, as large as you like.",
  reduced: "Draw several between the lines, one beside the other, without touching.",
};

/**
 * A drawing for a model of images. Models of one size get what is drawn in the middle of an image; others get the whole
 * canvas at a quarter of its size, so that what fills the space between the lines is 20 pixels tall.
 * After each stroke, onChange is called with a promise of the image, or with null when the canvas is empty.
 */
export function drawing(model, onChange) {
  const [height, width] = fixedSize(model) ?? [];
  const kind = width ? "centred" : "reduced";
  const label = "Drawing. With the keyboard, choose a file or the example instead.";
  const canvas = h("canvas", { class: "canvas", role: "img", "aria-label": label });
  const inverted = h("input", { type: "checkbox", onchange: () => report() });
  const strokes = [];
  const size = { width: 0, height: 0 };

  function fit() {
    size.width = canvas.clientWidth;
    size.height = width ? canvas.clientWidth : Math.max(LEAST_HEIGHT, Math.round(canvas.clientWidth * ASPECT));
    canvas.style.height = `${size.height}px`;
    canvas.width = size.width * devicePixelRatio;
    canvas.height = size.height * devicePixelRatio;
    paint();
  }

  function paint() {
    const context = canvas.getContext("2d");
    const style = getComputedStyle(canvas);
    context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
    context.clearRect(0, 0, size.width, size.height);
    if (!width) drawGuides(context, size, style.getPropertyValue("--guide"));
    inkStrokes(context, strokes, PEN[kind], style.color);
  }

  function report() {
    if (!strokes.length) return onChange(null);
    const colours = inverted.checked ? COLOURS.light : COLOURS.dark;
    const image = width
      ? centred(strokes, width, height, colours)
      : reduced(strokes, PEN[kind], size, REDUCTION, colours);
    onChange(toFile(image));
  }

  const undo = () => (strokes.pop(), paint(), report());
  const clear = () => (strokes.splice(0), paint(), report());
  onStrokes(canvas, strokes, paint, report);
  new ResizeObserver(() => canvas.clientWidth !== size.width && fit()).observe(canvas);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paint);
  return h(
    "div",
    { class: `drawing ${kind}` },
    canvas,
    h(
      "p",
      { class: "actions" },
      h("span", { class: "muted" }, HINTS[kind]),
      h("button", { onclick: undo }, "Undo"),
      h("button", { onclick: clear }, "Clear"),
    ),
    h("label", { class: "muted" }, inverted, "Send light on dark"),
  );
}

/** Height and width of what a model gets: its own size, a larger one where it resizes, none where it takes any size. */
function fixedSize({ image: { resize }, inputs: [{ shape }] }) {
  if (resize) return [CENTRED_PIXELS, CENTRED_PIXELS];
  return shape[2] > 0 ? shape.slice(2) : null;
}

/** Appends what the pointer draws to the strokes; onEnd is called after each stroke. */
function onStrokes(canvas, strokes, onMove, onEnd) {
  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  canvas.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    canvas.setPointerCapture(event.pointerId);
    strokes.push([place(event)]);
    onMove();
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!canvas.hasPointerCapture(event.pointerId)) return;
    const parts = event.getCoalescedEvents?.() ?? [];
    strokes.at(-1).push(...(parts.length ? parts : [event]).map(place));
    onMove();
  });
  canvas.addEventListener("lostpointercapture", onEnd);
}

/** Lines as on writing paper, 20 pixels of the image apart. */
function drawGuides(context, { width, height }, color) {
  const space = LINE_PIXELS * REDUCTION;
  const top = Math.round((height - space) / 2);
  Object.assign(context, { strokeStyle: color, lineWidth: 1 });
  for (const y of [top, top + space]) {
    context.beginPath();
    context.moveTo(0, y + 0.5);
    context.lineTo(width, y + 0.5);
    context.stroke();
  }
}

const toFile = async (canvas) => {
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
  return new File([blob], "drawing.png", { type: "image/png" });
};
