"""The options of ``fit`` that say which laws may be tried."""

import argparse
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from training.cli.argument_types import positive
from training.errors import InputError

if TYPE_CHECKING:
    from training.symbolic.search_space import SearchSpace

_VALUE_WITH_MINUS = re.compile(r"-[\d.]|-\w*[^\w-]")
"""What begins with a minus and is no option: ``-2,-1``, ``-2:2:0.5``, ``-a*x``."""


def add_law_options(parser: argparse.ArgumentParser) -> None:
    """Add them."""
    parser._negative_number_matcher = _VALUE_WITH_MINUS  # private to argparse, which takes "-2,-1" for an option
    group = parser.add_argument_group("which laws may be tried (default: all)")
    group.add_argument(
        "--form",
        metavar="FORMULA",
        help='fit the constants of this formula instead of a search, such as "a*x + b*exp(-c*t)": names that are no '
        "columns are constants",
    )
    group.add_argument(
        "--categories", metavar="COLUMN", help="a column of numbers that are classes: the law has one constant for each"
    )
    group.add_argument(
        "--units",
        metavar="COLUMN=UNIT,...",
        help="units of all columns and the target, such as mass=kg,speed=m/s,energy=J: laws in which they agree are "
        "searched first; other names are constants of nature",
    )
    group.add_argument(
        "--functions",
        metavar="NAMES",
        help="functions that a law may hold, such as exp,log,sin, or none (default: all)",
    )
    group.add_argument("--max-terms", type=positive, metavar="N", help="terms of every sum, at most")
    group.add_argument(
        "--exponents", metavar="POWERS", help="powers of columns in sums: a list, -2,-1,1,2, or from:to:step, -2:2:0.5"
    )


def law_search_space(options: argparse.Namespace, columns: Sequence[str], target: str) -> "SearchSpace":
    """What the options say, for a table with these input columns and this target.

    Raises:
        InputError: an option has an unusable value, or is given beside ``--unit``.
    """
    from training.symbolic.search_options import search_space

    chosen = {name: getattr(options, name) for name in ("form", "functions", "max_terms", "exponents", "units")}
    given = [name for name, value in chosen.items() if value is not None]
    if given and options.unit.lower() != "auto":
        option = f"--{given[0].replace('_', '-')}"
        raise InputError(
            f"{option} is for the search of a law, and --unit {options.unit} trains a unit; leave one of them out."
        )
    try:
        space = search_space(columns, target=target, left_out=options.target, **chosen)
    except ValueError as error:
        raise InputError(f"--{error}") from error
    if space.form is not None and target in space.form.constants:
        raise InputError(
            f"--form '{space.form.text}' names the target '{target}'; give what it equals, of {', '.join(columns)}."
        )
    return space


def category_column(options: argparse.Namespace, columns: Sequence[str]) -> str | None:
    """The column whose numbers are classes; None where there is none.

    Raises:
        InputError: it is no column of the table, or is given beside what it does not go with.
    """
    name: str | None = options.categories
    if name is None:
        return None
    for other, given in (
        (f"--unit {options.unit}", options.unit.lower() != "auto"),
        ("--form", options.form is not None),
        ("--units", options.units is not None),
        ("--weights", options.weights is not None),
    ):
        if given:
            raise InputError(f"--categories does not go with {other}; leave one of them out.")
    if name not in columns:
        raise InputError(
            f"--categories names '{name}', which is none of the input columns {', '.join(columns)}; give one of them, "
            "and write classes of text as numbers, such as 1, 2, 3."
        )
    return name


def notes_on(space: "SearchSpace") -> list[str]:
    """What the names in a form, or beside units, are taken for, so that a misspelt column is seen."""
    if space.dimensions is not None and space.dimensions.constant_names:
        constants = _listed("constant", space.dimensions.constant_names)
        return [f"The numbers of a law may hold {constants}, as no column is called so."]
    if space.form is None:
        return []
    of_table = f"{_listed('column', space.form.used)} of the table"
    if not space.form.constants:
        return [f"The form has {of_table}, and no constant to fit."]
    return [f"The form has {of_table}, and {_listed('constant', space.form.constants)} to fit."]


def _listed(what: str, names: Sequence[str]) -> str:
    return f"the {what} {names[0]}" if len(names) == 1 else f"the {what}s {', '.join(names[:-1])} and {names[-1]}"
