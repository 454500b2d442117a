// Strokes, and images of them. A stroke is a list of points [x, y].

import { h } from "./dom.js";

const SHARE = 20 / 28;
const PEN_SHARE = 0.085;

/** Draws strokes with a pen of a width. */
export function inkStrokes(context, strokes, width, color) {
  Object.assign(context, { strokeStyle: color, lineWidth: width, lineCap: "round", lineJoin: "round" });
  for (const stroke of strokes) {
    context.beginPath();
    context.moveTo(...stroke[0]);
    for (const point of stroke.length > 1 ? stroke.slice(1) : stroke) context.lineTo(...point);
    context.stroke();
  }
}

function sheet(width, height, paper) {
  const canvas = h("canvas", { width, height });
  const context = canvas.getContext("2d");
  context.fillStyle = paper;
  context.fillRect(0, 0, width, height);
  return [canvas, context];
}

/** An image of a size with the strokes in its middle, as large and as thick as MNIST's digits are. */
export function centred(strokes, width, height, { ink, paper }) {
  const [xs, ys] = [0, 1].map((axis) => strokes.flat().map((point) => point[axis]));
  const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const scale = (SHARE * Math.min(width, height)) / Math.max(right - left, bottom - top, 1);
  const [canvas, context] = sheet(width, height, paper);
  context.setTransform(scale, 0, 0, scale, (width - scale * (left + right)) / 2, (height - scale * (top + bottom)) / 2);
  inkStrokes(context, strokes, (PEN_SHARE * Math.min(width, height)) / scale, ink);
  return canvas;
}

/** A canvas of a size, reduced by a factor: each pixel the mean of those that it covers. */
export function reduced(strokes, pen, { width, height }, factor, { ink, paper }) {
  const [large, context] = sheet(width, height, paper);
  inkStrokes(context, strokes, pen, ink);
  const [canvas, small] = sheet(Math.round(width / factor), Math.round(height / factor), paper);
  small.imageSmoothingQuality = "high";
  small.drawImage(large, 0, 0, canvas.width, canvas.height);
  return canvas;
}
