// Answers to images: a label with probabilities as bars, or a number; warnings; the image as it was sent.

import { h } from "./dom.js";
import { percent, show } from "./numbers.js";

const MOST_BARS = 10;

/** The answer to one image. */
export function answer(model, prediction, warnings, image) {
  return [
    h("p", { class: "headline" }, prediction.label ?? show(prediction.value, 4)),
    warnings.length > 0 &&
      h(
        "ul",
        { class: "warnings" },
        warnings.map(({ message }) => h("li", {}, message)),
      ),
    prediction.probabilities && bars(model.classes, prediction.probabilities),
    sent(image),
  ].filter(Boolean);
}

/** One of several images, with its answer. */
export function thumbnail(file, prediction, warnings) {
  const { label, value, probabilities } = prediction;
  return h(
    "li",
    {},
    h("img", { src: URL.createObjectURL(file), alt: "" }),
    h("strong", {}, label === undefined ? show(value, 4) : `${label} (${share(probabilities[label])})`),
    h("span", { class: "muted" }, file.name),
    warnings.map(({ message }) => h("span", { class: "warning" }, message)),
  );
}

const share = (probability) => (probability < 0.001 ? "< 0.1\u202f%" : percent(probability));

/** Probabilities as bars, in the order of the classes, or the likeliest where there are many. */
function bars(classes, probabilities) {
  const byProbability = classes.toSorted((a, b) => probabilities[b] - probabilities[a]);
  const listed = classes.length > MOST_BARS ? byProbability.slice(0, MOST_BARS) : classes;
  const line = (name) => {
    const bar = h("span", { class: "bar" });
    bar.style.width = `${100 * probabilities[name]}%`;
    return h(
      "tr",
      { class: name === byProbability[0] ? "best" : null },
      h("th", { scope: "row" }, name),
      h("td", {}, bar),
      h("td", {}, share(probabilities[name])),
    );
  };
  return h(
    "table",
    { class: "bars" },
    h("caption", { class: "hidden" }, "Probability of each class"),
    h("tbody", {}, listed.map(line)),
  );
}

function sent(file) {
  const image = h("img", { alt: "The image as it was sent" });
  const caption = h("figcaption", { class: "muted" });
  image.onload = () => {
    const save = h("a", { href: image.src, download: file.name }, "Save");
    caption.replaceChildren(`As sent: ${image.naturalWidth} × ${image.naturalHeight} pixels. `, save);
  };
  image.src = URL.createObjectURL(file);
  return h("figure", { class: "sent" }, image, caption);
}
