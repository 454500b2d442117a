// A canvas to draw on, and what is drawn as an image: dark ink on white, whatever the page's colours.

import { h } from "./dom.js";

const ASPECT = 0.42;
const SCALE = 4;
const PEN = { resized: 13, unresized: 9 };
const SHARE = 20 / 28;
const RESIZED_PIXELS = 112;
const LINE_PIXELS = 20;

/**
 * A drawing for a model of images. A model that resizes gets what is drawn in the middle of a square, as digits are in
 * MNIST; others get the whole canvas at a quarter of its size: what fills the space between the lines is 20 pixels tall.
 * onChange is called with a blob after each stroke, and with null when the canvas is empty.
 */
export function drawing(model, onChange) {
  const { resize } = model.image;
  const pen = resize ? PEN.resized : PEN.unresized;
  const canvas = h("canvas", {
    class: "canvas",
    role: "img",
    "aria-label": "Drawing. With the keyboard, choose a file or the example instead.",
  });
  const strokes = [];
  let size = { width: 0, height: 0 };

  function fit() {
    const width = canvas.clientWidth;
    if (!width || width === size.width) return;
    size = { width, height: resize ? width : Math.max(180, Math.round(width * ASPECT)) };
    canvas.style.height = `${size.height}px`;
    canvas.width = size.width * devicePixelRatio;
    canvas.height = size.height * devicePixelRatio;
    paint();
  }

  function paint() {
    const context = canvas.getContext("2d");
    context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
    context.clearRect(0, 0, size.width, size.height);
    const style = getComputedStyle(canvas);
    if (!resize) drawGuides(context, size, style.getPropertyValue("--guide"));
    inkStrokes(context, strokes, pen, style.color);
  }

  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  canvas.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    canvas.setPointerCapture(event.pointerId);
    strokes.push([place(event)]);
    paint();
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!canvas.hasPointerCapture(event.pointerId)) return;
    const parts = event.getCoalescedEvents?.() ?? [];
    strokes.at(-1).push(...(parts.length ? parts : [event]).map(place));
    paint();
  });
  canvas.addEventListener("lostpointercapture", report);

  async function report() {
    onChange(strokes.length ? await toBlob(resize ? square(strokes, pen) : reduced(strokes, pen, size)) : null);
  }

  const undo = () => (strokes.pop(), paint(), report());
  const clear = () => (strokes.splice(0), paint(), report());
  new ResizeObserver(fit).observe(canvas);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paint);
  const hint = resize
    ? "Draw one, as large as you like."
    : "Draw several between the lines, one beside the other, without touching.";
  const element = h(
    "div",
    { class: resize ? "drawing square" : "drawing" },
    canvas,
    h(
      "p",
      { class: "actions" },
      h("span", { class: "muted" }, hint),
      h("button", { onclick: undo }, "Undo"),
      h("button", { onclick: clear }, "Clear"),
    ),
  );
  return { element, clear };
}

/** Lines as on writing paper, 20 pixels of the image apart. */
function drawGuides(context, { width, height }, color) {
  const space = LINE_PIXELS * SCALE;
  const top = Math.round((height - space) / 2);
  context.strokeStyle = color;
  context.lineWidth = 1;
  for (const y of [top, top + space]) {
    context.beginPath();
    context.moveTo(0, y + 0.5);
    context.lineTo(width, y + 0.5);
    context.stroke();
  }
}

function inkStrokes(context, strokes, width, color) {
  Object.assign(context, { strokeStyle: color, lineWidth: width, lineCap: "round", lineJoin: "round" });
  for (const stroke of strokes) {
    context.beginPath();
    context.moveTo(...stroke[0]);
    for (const point of stroke.length > 1 ? stroke.slice(1) : stroke) context.lineTo(...point);
    context.stroke();
  }
}

function sheet(width, height) {
  const canvas = h("canvas", { width, height });
  const context = canvas.getContext("2d");
  context.fillStyle = "#fff";
  context.fillRect(0, 0, width, height);
  return [canvas, context];
}

/** What is drawn, with the margins that MNIST's digits have. */
function square(strokes, pen) {
  const [xs, ys] = [0, 1].map((axis) => strokes.flat().map((point) => point[axis]));
  const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const side = Math.max(right - left, bottom - top, pen * 4) / SHARE;
  const scale = RESIZED_PIXELS / side;
  const [canvas, context] = sheet(RESIZED_PIXELS, RESIZED_PIXELS);
  context.setTransform(
    scale,
    0,
    0,
    scale,
    RESIZED_PIXELS / 2 - (scale * (left + right)) / 2,
    RESIZED_PIXELS / 2 - (scale * (top + bottom)) / 2,
  );
  inkStrokes(context, strokes, (RESIZED_PIXELS * 0.085) / scale, "#000");
  return canvas;
}

/** The canvas at a quarter of its size, each pixel the mean of those that it covers. */
function reduced(strokes, pen, { width, height }) {
  const [large, ink] = sheet(width, height);
  inkStrokes(ink, strokes, pen, "#000");
  const [canvas, context] = sheet(Math.round(width / SCALE), Math.round(height / SCALE));
  context.imageSmoothingQuality = "high";
  context.drawImage(large, 0, 0, canvas.width, canvas.height);
  return canvas;
}

const toBlob = (canvas) => new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
