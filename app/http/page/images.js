// Images for a model: drawn, dropped or chosen; the answer as bars or as a number.

import { h } from "./dom.js";
import { drawing } from "./drawing.js";
import { percent, show } from "./numbers.js";
import { predictImages, root, ServiceError } from "./service.js";
import { dropTarget } from "./table-file.js";

const IMAGES_A_REQUEST = 8;
const MOST_BARS = 10;
const EXAMPLES = { true: ["docs/digit.png", "digit.png"], false: ["docs/digits.png", "digits.png"] };

/** The place to try a model of images. */
export function imageWorkbench(model, onImage) {
  const answer = h("div", { class: "answer-panel", "aria-live": "polite" });
  const files = h("ul", { class: "thumbnails" });
  let running = new AbortController();

  const start = () => {
    running.abort();
    running = new AbortController();
    return running.signal;
  };
  const fail = (error) => {
    if (error.name === "AbortError") return;
    answer.replaceChildren(h("p", { class: "error", role: "alert" }, error.message));
  };

  async function predictDrawing(blob) {
    const signal = start();
    files.replaceChildren();
    onImage({ name: blob ? "drawing.png" : undefined });
    if (!blob) return answer.replaceChildren(nothing());
    try {
      const { predictions, warnings } = await predictImages(
        model,
        [new File([blob], "drawing.png", { type: "image/png" })],
        { signal },
      );
      answer.replaceChildren(...shown(model, predictions[0], warnings), sent(blob));
    } catch (error) {
      fail(error);
    }
  }

  async function predictFiles(chosen) {
    const signal = start();
    files.replaceChildren();
    onImage({ name: chosen[0].name });
    try {
      for (let first = 0; first < chosen.length; first += IMAGES_A_REQUEST) {
        const part = chosen.slice(first, first + IMAGES_A_REQUEST);
        const { predictions, warnings } = await predictImages(model, part, { signal });
        if (chosen.length === 1)
          return answer.replaceChildren(...shown(model, predictions[0], warnings), sent(part[0]));
        answer.replaceChildren(
          h("p", { class: "muted" }, `${Math.min(first + part.length, chosen.length)} of ${chosen.length} images`),
        );
        files.append(
          ...part.map((file, index) =>
            thumbnail(
              file,
              predictions[index],
              warnings.filter((warning) => warning.file === index),
            ),
          ),
        );
      }
    } catch (error) {
      fail(error);
    }
  }

  async function predictExample() {
    const [path, name] = EXAMPLES[model.image.resize];
    try {
      const response = await fetch(root + path);
      if (!response.ok) throw new ServiceError(response.status, "The example could not be read.");
      await predictFiles([new File([await response.blob()], name, { type: "image/png" })]);
    } catch (error) {
      fail(error);
    }
  }

  const choose = h("input", {
    type: "file",
    id: "image-file",
    accept: "image/*,.pgm,.ppm,.pbm,.pfm",
    multiple: true,
    onchange: (event) => {
      if (event.target.files.length) predictFiles([...event.target.files]);
      event.target.value = "";
    },
  });
  answer.append(nothing());
  onImage({});
  return h(
    "div",
    { class: "workbench image", ...dropTarget(predictFiles) },
    h(
      "section",
      { class: "try" },
      h("div", { class: "section-head" }, h("h2", {}, "Try it"), h("p", {}, "Draw, drop or choose images.")),
      model.image.mode === "L" && drawing(model, predictDrawing).element,
      h(
        "div",
        { class: "drop-zone" },
        h("label", { for: "image-file" }, "Drop images here, or choose some"),
        choose,
        model.image.mode === "L" && h("button", { class: "link", onclick: predictExample }, "Use the example"),
      ),
    ),
    h(
      "section",
      { class: "answer-section" },
      h("div", { class: "section-head" }, h("h2", {}, "Answer")),
      answer,
      files,
    ),
  );
}

const nothing = () => h("p", { class: "placeholder" }, "Nothing yet.");

function shown(model, prediction, warnings) {
  const headline = prediction.label ?? show(prediction.value, 4);
  return [
    h("p", { class: "headline" }, headline),
    warnings.length > 0 &&
      h(
        "ul",
        { class: "warnings" },
        warnings.map(({ message }) => h("li", {}, message)),
      ),
    prediction.probabilities && bars(model.classes, prediction.probabilities),
  ].filter(Boolean);
}

const likelihood = (share) => (share < 0.001 ? "< 0.1\u202f%" : percent(share));

/** Probabilities as bars, in the order of the classes, or the likeliest where there are many. */
function bars(classes, probabilities) {
  const byProbability = [...classes].sort((a, b) => probabilities[b] - probabilities[a]);
  const listed = classes.length > MOST_BARS ? byProbability.slice(0, MOST_BARS) : classes;
  return h(
    "table",
    { class: "bars" },
    h("caption", { class: "hidden" }, "Probability of each class"),
    h(
      "tbody",
      {},
      listed.map((name) => {
        const bar = h("span", { class: "bar" });
        bar.style.width = `${100 * probabilities[name]}%`;
        return h(
          "tr",
          { class: name === byProbability[0] ? "best" : null },
          h("th", { scope: "row" }, name),
          h("td", { class: "bar-cell" }, bar),
          h("td", {}, likelihood(probabilities[name])),
        );
      }),
    ),
  );
}

function sent(blob) {
  const image = h("img", { alt: "The image as it was sent" });
  const caption = h("figcaption", { class: "muted" });
  image.onload = () => {
    caption.replaceChildren(
      `As sent: ${image.naturalWidth} × ${image.naturalHeight} pixels. `,
      h("a", { href: image.src, download: blob.name ?? "drawing.png" }, "Save"),
    );
  };
  image.src = URL.createObjectURL(blob);
  return h("figure", { class: "sent" }, image, caption);
}

function thumbnail(file, prediction, warnings) {
  const text = prediction.label
    ? `${prediction.label} (${likelihood(prediction.probabilities[prediction.label])})`
    : show(prediction.value, 4);
  return h(
    "li",
    {},
    h("img", { src: URL.createObjectURL(file), alt: "" }),
    h("strong", {}, text),
    h("span", { class: "muted" }, file.name),
    warnings.map(({ message }) => h("span", { class: "warning" }, message)),
  );
}
