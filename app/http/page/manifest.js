// What the page reads from a manifest.

import { show } from "./numbers.js";

/** Names of a model's outputs. */
export const outputsOf = (model) =>
  model.outputs[0].columns ?? Array.from({ length: model.outputs[0].shape[1] }, (_, index) => `output ${index}`);

/** What a model takes: "arithmetic", "image", or "" for other tensors. */
export const kindOf = ({ task }) => (task === "arithmetic" ? task : task.startsWith("image") ? "image" : "");

/** The training range, in a few words. */
export function trainedOn({ training: { ranges, rows }, inputs: [{ columns }], image }) {
  const words = ranges
    .slice(0, 3)
    .map(([low, high], index) => `${columns?.[index] ?? "values"} ${show(low, 4)} to ${show(high, 4)}`);
  if (ranges.length > 3) words.push(`${ranges.length - 3} more`);
  if (words.length) return words.join(", ");
  return image && rows ? `${rows.toLocaleString("en")} images` : "not known";
}
