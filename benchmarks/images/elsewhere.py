"""python -m benchmarks.images.elsewhere: the default models on digits of other hands and another scanner.

They are scikit-learn's 1,797, enlarged from 8x8 pixels to the size of MNIST's; no training saw them.
"""

import argparse
from pathlib import Path

from benchmarks.images.totals import errors
from models.manifest import Manifest
from training.counting.scenes import Digits, canvases_of
from training.counting.totals import PRODUCT, TOTALS, Total
from training.data.collate import predict_pictures
from training.data.sklearn_digits import load_framed
from training.export.onnx_predictor import onnx_predictor
from training.vision.fit import Examples, measure

PAGE = Path("docs/results/images-elsewhere.md")
COUNTS = (1, 3, 10, 20)

HEAD = """# Pictures of another collection

`python -m benchmarks.images.elsewhere --write` makes this page again: the default models of `repository/`, as they
are served, on the 1,797 handwritten digits that come with scikit-learn, enlarged from 8x8 pixels to 20 in a frame of
28. They are of other hands and another scanner than MNIST's, which the models were trained on. Of three seeds of
`digit-sum`, the one that does best here became the default, so its figures are a little better than they would be else;
after `python -m benchmarks.images`, `--repository reports/pictures/SEED` measures each.

| One digit | |
| --- | --- |
{single}

Pictures of several, {pictures} a figure, as close as in [pictures.md](pictures.md):

| Digits in the picture | {counts} |
| --- | {rule} |
{totals}
"""


def page(repository: Path, pictures: int) -> str:
    """Measure, and write down."""
    digits = Digits(*load_framed())
    return HEAD.format(
        single="\n".join(single(repository / name / "1", digits) for name in ("digit", "digit-value")),
        totals="\n".join(line(total, repository / name / "1", digits, pictures) for name, total in TOTALS.items()),
        counts=" | ".join(map(str, COUNTS)),
        rule=" | ".join("---" for _ in COUNTS),
        pictures=pictures,
    )


def single(folder: Path, digits: Digits) -> str:
    """What a model of one digit reads."""
    manifest = Manifest.read(folder)
    examples = Examples(list(digits.pictures[:, None]), digits.labels.astype(float))
    found = measure(onnx_predictor(folder, manifest), manifest.classes, examples)
    said = f"{found['accuracy']:.1%} right" if manifest.classes else f"mean absolute error {found['mae']:.2f}"
    return f"| `{manifest.name}` | {said} |"


def line(total: Total, folder: Path, digits: Digits, pictures: int) -> str:
    """What a model of several says of so many digits."""
    predict = onnx_predictor(folder, Manifest.read(folder))
    used = Digits(digits.pictures, digits.labels, total.lowest_digit)
    cells = []
    for count in COUNTS:
        drawn = canvases_of(used, count, pictures, seed=0)
        said = predict_pictures(predict, list(drawn.pictures))[:, 0]
        found = errors(said, total.of(drawn), relative=total is PRODUCT)
        cells.append(f"{found['exact']:.1%}" + (f", off by {found['mae']:.2f}" if "mae" in found else ""))
    told = "within 1 %" if total is PRODUCT else "exact"
    return f"| `{total.name}`, {told} | {' | '.join(cells)} |"


def main() -> None:
    """Print the page, and write it if asked to."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.images.elsewhere", description=__doc__)
    parser.add_argument(
        "--repository", type=Path, default=Path("repository"), help="of the models (default: %(default)s)"
    )
    parser.add_argument("--pictures", type=int, default=400, help="pictures a figure (default: %(default)s)")
    parser.add_argument("--write", action="store_true", help=f"write {PAGE}")
    options = parser.parse_args()
    found = page(options.repository, options.pictures)
    print(found)
    if options.write:
        PAGE.write_text(found, encoding="utf-8")


if __name__ == "__main__":
    main()
