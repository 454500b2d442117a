"""Reads units of columns, by Pint, into dimensions."""

import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from functools import cache
from typing import Any

import numpy as np

from training.symbolic.dimensions.dimensions import Dimensions

SYMBOLS = {
    "[length]": "m",
    "[mass]": "kg",
    "[time]": "s",
    "[current]": "A",
    "[temperature]": "K",
    "[substance]": "mol",
    "[luminosity]": "cd",
}
ANGLES = {"degree", "arcminute", "arcsecond", "grade", "turn", "milliarcsecond"}
TRIGONOMETRIC = ("sin", "cos", "tan", "arcsin", "arccos", "arctan")
_NAME, _POWER = r"[^\W\d]\w*|°\w*|%|1", r"(?:\*\*|\^)\s*(?:-?\d{1,2}(?:\.\d+)?|\(-?\d{1,2}(?:[./]\d{1,2})?\))|[²³⁻¹]+"
_UNIT = re.compile(rf"(?:(?:{_NAME})\s*(?:{_POWER})?|[()]|[*/·](?!\*)|\s)*")
"""What Pint gets to read: names with at most one power each, so that nothing grows without bound."""
RULE = "give one that Pint knows, such as m/s**2, kg*m**2 or J, or 1 for a pure number"


def read_units(
    units: str | Mapping[str, str],
    columns: Sequence[str],
    target: str,
    functions: Sequence[str] = (),
    left_out: Sequence[str] = (),
) -> Dimensions:
    """The dimensions of a table's columns and target; names that are neither are constants that a law may hold.

    Args:
        units: the unit of each name, or text such as ``mass=kg,speed=m/s,energy=J``.
        columns: names of the input columns; each needs a unit.
        target: name of the target, which needs one too.
        functions: that a law may hold; of those of angles, angles must be in radians.
        left_out: names whose units do not matter, such as other targets.

    Raises:
        ValueError: a unit is missing, unknown, of a scale with an offset or of an angle in degrees, or no law has the
            target's; the message begins with ``units``.
    """
    given = _parted(units) if isinstance(units, str) else {str(name): str(unit) for name, unit in units.items()}
    given = {name: unit for name, unit in given.items() if name in (*columns, target) or name not in left_out}
    for name in (*columns, target):
        if name not in given:
            raise ValueError(_missing(name, target, [other for other in given if other not in (*columns, target)]))
    dimensions = {name: _dimension(name, unit, functions) for name, unit in given.items()}
    bases = tuple(sorted({base for powers in dimensions.values() for base in powers}))
    vectors = {name: [powers.get(base, 0.0) for base in bases] for name, powers in dimensions.items()}
    names = tuple(name for name in given if name not in (*columns, target))
    constants = [vectors[name] for name in names]
    found = Dimensions(
        tuple(SYMBOLS.get(base, base.strip("[]")) for base in bases),
        np.array([vectors[name] for name in columns]).reshape(len(columns), len(bases)),
        np.array(vectors[target]),
        np.array(constants).reshape(len(constants), len(bases)),
        names,
    )
    if not found.allow_a_law():
        raise ValueError(_impossible(given, columns, target))
    return found


def _parted(text: str) -> dict[str, str]:
    """The units of ``mass=kg,speed=m/s``."""
    given: dict[str, str] = {}
    for part in filter(None, map(str.strip, text.split(","))):
        name, mark, unit = (word.strip() for word in part.rpartition("="))
        if not mark or not name:
            raise ValueError(f"units holds '{part}'; give each column as column=unit, such as mass=kg,speed=m/s.")
        if name in given:
            raise ValueError(f"units gives '{name}' two units, '{given[name]}' and '{unit}'; leave one out.")
        given[name] = unit
    return given


def _missing(name: str, target: str, others: Sequence[str]) -> str:
    what = "target" if name == target else "column"
    near = get_close_matches(name, others, 1)
    hint = f" (it has '{near[0]}', which is no column)" if near else ""
    left_out = "" if name == target else ", or leave the column out with --columns"
    return f"units has none for the {what} '{name}'{hint}; add {name}=UNIT, or {name}=1 for a pure number{left_out}."


def _impossible(given: Mapping[str, str], columns: Sequence[str], target: str) -> str:
    of = ", ".join(f"{name} in {given[name] or 1}" for name in columns)
    constants = [name for name in given if name not in (*columns, target)]
    beside = f" and the constants {', '.join(f'{name} in {given[name]}' for name in constants)}" if constants else ""
    return (
        f"units allow no law: no product of powers of {of}{beside} has the unit of '{target}', {given[target] or 1}; "
        "add the column that is missing, or a constant of nature with its unit, such as g=m/s**2, or leave units out."
    )


def _dimension(name: str, unit: str, functions: Sequence[str]) -> dict[str, float]:
    """Powers of the base dimensions of a unit.

    Raises:
        ValueError: Pint does not know it, or it is no unit to calculate with.
    """
    import pint

    registry = _registry()
    if len(unit) > 60 or not _UNIT.fullmatch(unit):
        raise ValueError(f"units gives '{name}' the unit '{unit[:60]}', which cannot be read; {RULE}.")
    try:
        parsed = registry.parse_units(unit.replace("^", "**"))
    except Exception as error:  # Pint's parser raises errors of many kinds
        what = "which Pint does not know" if isinstance(error, pint.UndefinedUnitError) else "which cannot be read"
        raise ValueError(f"units gives '{name}' the unit '{unit}', {what}; {RULE}.") from error
    _check_scale(name, unit, parsed, functions)
    powers = {str(base): float(power) for base, power in parsed.dimensionality.items()}
    if any(abs(power) > 20 for power in powers.values()):
        raise ValueError(f"units gives '{name}' the unit '{unit}', whose powers exceed 20; {RULE}.")
    return powers


def _check_scale(name: str, unit: str, parsed: Any, functions: Sequence[str]) -> None:
    """Raise ValueError for a scale whose zero is not nothing, and for degrees where sines may be taken."""
    import pint

    try:
        zero = _registry().Quantity(0.0, parsed).to_base_units().magnitude
    except pint.PintError:
        zero = 1.0
    if zero != 0:
        kelvin = "kelvin (add 273.15 to degrees Celsius)"
        scale = (
            f"{kelvin}, and give {name}=K" if "[temperature]" in parsed.dimensionality else "a unit whose 0 is nothing"
        )
        raise ValueError(
            f"units gives '{name}' the unit '{unit}', whose 0 is not nothing, so that products with it mean nothing; "
            f"convert the column to {scale}."
        )
    if any(part in ANGLES for part in parsed._units) and any(function in functions for function in TRIGONOMETRIC):
        radians = f"rad{unit[unit.index('/') :]}" if "/" in unit else "rad"
        raise ValueError(
            f"units gives '{name}' the unit '{unit}', but sin and cos take radians; convert the column (degrees times "
            f"0.017453292519943295), and give {name}={radians}."
        )


@cache
def _registry() -> Any:
    import pint

    return pint.UnitRegistry()
