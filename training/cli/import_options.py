"""The options of ``import``."""

import argparse
from pathlib import Path

from training.cli.argument_types import add_repository, positive
from training.cli.table_options import add_table_options


def add_import_options(parser: argparse.ArgumentParser) -> None:
    """Add them."""
    parser.add_argument("model", type=Path, help="the ONNX file")
    parser.add_argument("--name", help="the model's name (default: the file's)")
    parser.add_argument(
        "--version", type=positive, help="of a folder that lacks a manifest, to complete it (default: the next version)"
    )
    parser.add_argument("--outputs", nargs="+", metavar="OUTPUT", help="outputs to serve (default: all)")
    parser.add_argument("--classes", type=Path, metavar="FILE", help="labels of a classifier, one a line, in its order")
    add_repository(parser)
    table = parser.add_argument_group("a table of numbers, for /predict/arithmetic")
    table.add_argument("--columns", nargs="+", metavar="COLUMN", help="names of the columns that it takes")
    table.add_argument(
        "--target", nargs="+", metavar="COLUMN", help="names of those it returns (default: the outputs')"
    )
    table.add_argument("--data", type=Path, metavar="TABLE", help="its training data, for the range of each column")
    _image_options(parser.add_argument_group("images, for /predict/image"))
    add_table_options(parser)


def _image_options(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--channels", choices=["RGB", "BGR", "L"], help="channels in the graph's order; L: grey")
    group.add_argument(
        "--image-size", type=_size, metavar="N", help="height and width, as 224 or 480x640 (default: the graph's)"
    )
    group.add_argument("--layout", choices=["NCHW", "NHWC"], help="axes of the input (default: by its shape)")
    group.add_argument(
        "--scale", type=_positive_number, default=255.0, help="pixels of 0 to 255 are divided by it (default: 255)"
    )
    group.add_argument(
        "--mean",
        type=float,
        nargs="+",
        metavar="M",
        help="subtracted then, by channel in the graph's order (default: 0)",
    )
    group.add_argument(
        "--std", type=_positive_number, nargs="+", metavar="S", help="divided by then, likewise (default: 1)"
    )
    group.add_argument("--softmax", action="store_true", help="the graph returns logits: add the softmax")


def _size(text: str) -> tuple[int, int]:
    height, _, width = text.partition("x")
    try:
        return positive(height), positive(width or height)
    except argparse.ArgumentTypeError as error:
        raise argparse.ArgumentTypeError(f"'{text}' is not a size in pixels, such as 224 or 480x640") from error


def _positive_number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"'{text}' is not a number above 0")
    return number
