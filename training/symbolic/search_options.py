"""Reads what a user asks of a search, as text of a command line or as values of an estimator, into a ``SearchSpace``.

Every message begins with the name of the option.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches

from training.symbolic.dimensions.read_units import read_units
from training.symbolic.forms.parse import parse_form
from training.symbolic.search_space import FUNCTIONS, SearchSpace

ALIASES = {"ln": "log", "asin": "arcsin", "acos": "arccos", "atan": "arctan", "minimum": "min", "maximum": "max"}
NONE = "none"
MAX_EXPONENT, MAX_EXPONENTS = 20.0, 40
EXPONENTS_RULE = 'give numbers, such as "-2,-1,1,2", or a range from:to:step, such as "-2:2:0.5"'


def search_space(
    columns: Sequence[str],
    *,
    functions: str | Iterable[str] | None = None,
    max_terms: int | None = None,
    exponents: str | Iterable[float] | None = None,
    units: str | Mapping[str, str] | None = None,
    target: str = "y",
    left_out: Sequence[str] = (),
    form: str | None = None,
) -> SearchSpace:
    """The laws that may be tried; None leaves a choice to the search.

    Args:
        columns: names of the input columns.
        functions: names of functions that a law may hold, as a list or as text with commas; none of them, or the text
            ``none``, for products, sums, quotients and powers alone.
        max_terms: terms of every sum, at most.
        exponents: powers of columns that are tried in sums, as numbers, or as text: ``-2,-1,1,2``, ``-2:2:0.5``.
        units: the unit of every column and of the target, or text such as ``mass=kg,speed=m/s,energy=J``; other names
            are constants of nature that a law may hold.
        target: name of the target, for its unit.
        left_out: names whose units do not matter, such as other targets.
        form: a formula with free constants that is fitted instead of a search, such as ``a*x + b*exp(-c*t)``.

    Raises:
        ValueError: a choice is unusable; the message begins with its name and gives the repair.
    """
    if max_terms is not None and max_terms < 1:
        raise ValueError(f"max_terms must be at least 1, got {max_terms}.")
    if form is not None:
        _check_alone(functions=functions, max_terms=max_terms, exponents=exponents, units=units)
    known = FUNCTIONS if functions is None else read_functions(functions)
    return SearchSpace(
        functions=known,
        max_terms=max_terms,
        exponents=None if exponents is None else read_exponents(exponents),
        dimensions=None if units is None else read_units(units, columns, target, known, left_out),
        form=None if form is None else parse_form(form, columns),
    )


def _check_alone(**others: object) -> None:
    """Raise ValueError for an option that has nothing to choose beside a form."""
    for name, value in others.items():
        if value is not None:
            raise ValueError(
                f"form fixes the law up to its constants, so {name} has nothing to choose; leave one of them out."
            )


def read_functions(functions: str | Iterable[str]) -> tuple[str, ...]:
    """Names of functions, each once, in the order of ``FUNCTIONS``.

    Raises:
        ValueError: a name that is none of them.
    """
    names = functions.split(",") if isinstance(functions, str) else functions
    names = [name.strip() for name in names]
    if names == [NONE]:
        return ()
    chosen = {ALIASES.get(name, name) for name in names}
    for name in names:
        if ALIASES.get(name, name) not in FUNCTIONS:
            raise ValueError(f"functions holds '{name}', which is none of {', '.join(FUNCTIONS)}; {_repair(name)}.")
    return tuple(function for function in FUNCTIONS if function in chosen)


def _repair(name: str) -> str:
    if name in ("sqrt", "square", "power", "inv", "neg"):
        return "leave it out, as powers are always tried"
    if name == NONE:
        return f"give {NONE} alone for no function"
    near = get_close_matches(name, FUNCTIONS, 1)
    return f"did you mean {near[0]}" if near else f"separate names by commas, or give {NONE}"


def read_exponents(exponents: str | Iterable[float]) -> tuple[float, ...]:
    """Powers, each once, in ascending order, without 0.

    Raises:
        ValueError: text that is no number or range, or too many or too large powers.
    """
    values = _listed(exponents) if isinstance(exponents, str) else [float(value) for value in exponents]
    for value in values:
        if not abs(value) <= MAX_EXPONENT:
            raise ValueError(f"exponents holds {value:g}; powers lie between -{MAX_EXPONENT:g} and {MAX_EXPONENT:g}.")
    chosen = sorted({value for value in values if value})
    if not chosen:
        raise ValueError(f"exponents holds no power but 0; {EXPONENTS_RULE}.")
    if len(chosen) > MAX_EXPONENTS:
        raise ValueError(f"exponents holds {len(chosen)} powers; at most {MAX_EXPONENTS} can be tried, so give fewer.")
    return tuple(chosen)


def _listed(text: str) -> list[float]:
    found: list[float] = []
    for item in filter(None, re.split(r"[,\s]+", text.strip())):
        numbers = [_number(part, text) for part in item.split(":")]
        if len(numbers) == 1:
            found += numbers
            continue
        low, high, step = (*numbers, 1.0)[:3]
        if len(numbers) > 3 or not step > 0 or high < low or (high - low) / step > 1_000:
            raise ValueError(f"exponents '{text}' has the range '{item}', which has no such steps; {EXPONENTS_RULE}.")
        found += [low + count * step for count in range(math.floor((high - low) / step + 1e-9) + 1)]
    return [round(value, 9) for value in found]


def _number(part: str, text: str) -> float:
    """A number, or a fraction such as 1/2."""
    above, _, below = part.partition("/")
    try:
        return float(above) / float(below or 1)
    except (ValueError, ZeroDivisionError) as error:
        raise ValueError(f"exponents '{text}' holds '{part}', which is no number; {EXPONENTS_RULE}.") from error
