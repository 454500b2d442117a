// Images for a model: drawn, dropped or chosen.

import { answer, thumbnail } from "./answers.js";
import { h } from "./dom.js";
import { drawing } from "./drawing.js";
import { latest } from "./latest.js";
import { predictImages, root, ServiceError } from "./service.js";
import { dropTarget } from "./table-file.js";

const IMAGES_A_REQUEST = 8;
const EXAMPLES = { true: ["docs/digit.png", "an example digit"], false: ["docs/digits.png", "example digits"] };

/** The place to try a model of images. */
export function imageWorkbench(model, onImage) {
  const panel = h("div", { class: "answer-panel", "aria-live": "polite" });
  const files = h("ul", { class: "thumbnails" });
  const run = latest(panel, ({ message }) => panel.replaceChildren(h("p", { class: "error", role: "alert" }, message)));
  const begin = (name) => {
    files.replaceChildren();
    onImage({ name });
  };

  const predictDrawing = (pending) =>
    run(async (signal) => {
      const image = await pending;
      signal.throwIfAborted();
      begin(image?.name);
      if (image) await predictOne(image, signal);
      else panel.replaceChildren(nothing());
    });

  async function predictOne(image, signal) {
    const { predictions, warnings } = await predictImages(model, [image], { signal });
    panel.replaceChildren(...answer(model, predictions[0], warnings, image));
  }

  const predictFiles = (chosen) =>
    run(async (signal) => {
      begin(chosen[0].name);
      if (chosen.length === 1) return predictOne(chosen[0], signal);
      for (let first = 0; first < chosen.length; first += IMAGES_A_REQUEST) {
        const part = chosen.slice(first, first + IMAGES_A_REQUEST);
        const { predictions, warnings } = await predictImages(model, part, { signal });
        const warningsOf = (index) => warnings.filter(({ file }) => file === index);
        files.append(...part.map((file, index) => thumbnail(file, predictions[index], warningsOf(index))));
        panel.replaceChildren(h("p", { class: "muted" }, `${first + part.length} of ${chosen.length} images`));
      }
    });

  const predictExample = () =>
    run(async (signal) => {
      const [path] = EXAMPLES[model.image.resize];
      const response = await fetch(root + path, { signal });
      if (!response.ok) throw new ServiceError(response.status, "The example could not be read.");
      const image = new File([await response.blob()], path.split("/")[1], { type: "image/png" });
      begin(image.name);
      await predictOne(image, signal);
    });

  panel.append(nothing());
  onImage({});
  const drawn = model.image.mode === "L";
  return h(
    "div",
    { class: "workbench image", ...dropTarget(predictFiles) },
    h(
      "section",
      { class: "try" },
      h(
        "div",
        { class: "section-head" },
        h("h2", {}, "Try it"),
        h("p", {}, drawn ? "Draw, drop or choose images." : "Drop or choose images."),
      ),
      drawn && drawing(model, predictDrawing),
      chooser(
        predictFiles,
        drawn && h("button", { class: "link", onclick: predictExample }, `Use ${EXAMPLES[model.image.resize][1]}`),
      ),
    ),
    h("section", {}, h("div", { class: "section-head" }, h("h2", {}, "Answer")), panel, files),
  );
}

function chooser(onFiles, ...more) {
  const onchange = ({ target }) => {
    if (target.files.length) onFiles([...target.files]);
    target.value = "";
  };
  const input = h("input", {
    type: "file",
    id: "image-file",
    accept: "image/*,.pgm,.ppm,.pbm,.pfm",
    multiple: true,
    onchange,
  });
  return h(
    "div",
    { class: "drop-zone" },
    h("label", { for: "image-file" }, "Drop images here, or choose some"),
    input,
    ...more,
  );
}

const nothing = () => h("p", { class: "muted" }, "Nothing yet.");
