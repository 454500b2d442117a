"""The options of ``fit``."""

import argparse
from pathlib import Path

from training.cli.argument_types import add_repository, non_negative, positive
from training.cli.law_options import add_law_options
from training.cli.table_options import add_table_options
from training.trainer.executors.options import add_executor_options


def add_fit_options(parser: argparse.ArgumentParser) -> None:
    """Add them."""
    parser.add_argument("data", type=Path, help="table with numeric columns: CSV, Excel, Parquet ...")
    parser.add_argument(
        "--target",
        action="append",
        required=True,
        help="the column to learn; given several times, one model each: NAME-TARGET",
    )
    parser.add_argument("--columns", nargs="+", help="the input columns (default: all but the targets)")
    parser.add_argument("--weights", metavar="COLUMN", help="weights of the rows, 0 or more; no input (default: all 1)")
    add_table_options(parser)
    parser.add_argument("--name", help="the model's name (default: the file's)")
    parser.add_argument(
        "--unit",
        default="auto",
        help="a unit such as NAU or NMU, or auto: symbolic regression, which chooses the form (default: auto)",
    )
    parser.add_argument("--hidden", type=positive, nargs="*", default=[], help="hidden layers' widths (default: none)")
    parser.add_argument(
        "--restarts",
        type=positive,
        default=8,
        help="random initialisations of a unit, and of the MLP baseline (default: 8)",
    )
    parser.add_argument(
        "--seconds",
        type=positive,
        default=240,
        help="time limit of the search and of the MLP beside it (default: 240)",
    )
    add_executor_options(parser, "targets")
    parser.add_argument("--seed", type=non_negative, default=0, help="random seed (default: 0)")
    parser.add_argument(
        "--plots", type=Path, default=Path("reports"), help="folder of the plot, a PNG of that name (default: reports)"
    )
    add_law_options(parser)
    add_repository(parser)
