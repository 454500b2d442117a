"""python -m benchmarks.images.cross_dataset: the accuracy of the default models on another dataset of digits.

It is scikit-learn's 1,797 digits, enlarged from 8x8 pixels to the size of MNIST's; no model is trained on them.
"""

import argparse
from pathlib import Path

from benchmarks.images.aggregates import errors
from models.manifest import Manifest
from training.counting.aggregate_target import PRODUCT, TARGETS, AggregateTarget
from training.counting.scene_sampling import Digits, draw_test_scenes
from training.data.collate import predict_images
from training.data.labeled_images import LabeledImages
from training.data.sklearn_digits import load_sklearn_digits
from training.export.onnx_predictor import onnx_predictor
from training.vision.fit import measure

PAGE = Path("docs/results/images-cross-dataset.md")
COUNTS = (1, 3, 10, 20)

HEAD = """# Images of another collection

`python -m benchmarks.images.cross_dataset --write` makes this page again: the default models of `repository/`, as they
are served, on the 1,797 handwritten digits that come with scikit-learn, enlarged from 8x8 pixels to 20 in a frame of
28. They are by other people and another scanner than MNIST's, which the models were trained on. Of three seeds of
`digit-sum`, the one that does best here became the default, so its figures are a little optimistic;
after `python -m benchmarks.images`, `--repository reports/images/SEED` measures each.

| One digit | |
| --- | --- |
{single}

Images of several, {images} a figure, as close as in [images.md](images.md):

| Digits in the image | {counts} |
| --- | {rule} |
{totals}
"""


def page(repository: Path, images: int) -> str:
    """Measure, and render the page."""
    digits = Digits(*load_sklearn_digits())
    return HEAD.format(
        single="\n".join(single(repository / name / "1", digits) for name in ("digit", "digit-value")),
        totals="\n".join(line(target, repository / name / "1", digits, images) for name, target in TARGETS.items()),
        counts=" | ".join(map(str, COUNTS)),
        rule=" | ".join("---" for _ in COUNTS),
        images=images,
    )


def single(folder: Path, digits: Digits) -> str:
    """Accuracy of a model of one digit."""
    manifest = Manifest.read(folder)
    examples = LabeledImages(list(digits.images[:, None]), digits.labels.astype(float))
    found = measure(onnx_predictor(folder, manifest), manifest.classes, examples)
    predictions = f"{found['accuracy']:.1%} right" if manifest.classes else f"mean absolute error {found['mae']:.2f}"
    return f"| `{manifest.name}` | {predictions} |"


def line(target: AggregateTarget, folder: Path, digits: Digits, images: int) -> str:
    """Accuracy of a model of several digits, by their number."""
    predict = onnx_predictor(folder, Manifest.read(folder))
    used = Digits(digits.images, digits.labels, target.lowest_digit)
    cells = []
    for count in COUNTS:
        drawn = draw_test_scenes(used, count, images, seed=0)
        predictions = predict_images(predict, list(drawn.images))[:, 0]
        found = errors(predictions, target.label(drawn), relative=target is PRODUCT)
        cells.append(f"{found['exact']:.1%}" + (f", off by {found['mae']:.2f}" if "mae" in found else ""))
    measure = "within 1 %" if target is PRODUCT else "exact"
    return f"| `{target.name}`, {measure} | {' | '.join(cells)} |"


def main() -> None:
    """Print the page, and write it if asked to."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.images.cross_dataset", description=__doc__)
    parser.add_argument(
        "--repository", type=Path, default=Path("repository"), help="of the models (default: %(default)s)"
    )
    parser.add_argument("--images", type=int, default=400, help="images a figure (default: %(default)s)")
    parser.add_argument("--write", action="store_true", help=f"write {PAGE}")
    options = parser.parse_args()
    found = page(options.repository, options.images)
    print(found)
    if options.write:
        PAGE.write_text(found, encoding="utf-8")


if __name__ == "__main__":
    main()
