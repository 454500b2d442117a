"""Which columns of a table a model takes, and which the answer adds."""

from collections.abc import Sequence
from typing import NamedTuple

from app.codecs.tabular import other_task
from app.errors import InvalidInputError
from models.manifest import Manifest

EXTRAPOLATED = "extrapolated"
WARNINGS = "warnings"
_SHOWN_NAMES = 10
_SHOWN_CHARACTERS = 40


class TableColumns(NamedTuple):
    """The columns of a table, as a model sees them."""

    inputs: list[int]
    """Where the model's columns are, in its order."""
    added: list[str]
    """Names of what the answer adds: a prediction for each output, ``extrapolated`` and ``warnings``."""


def match_columns(names: Sequence[str], manifest: Manifest) -> TableColumns:
    """Find a model's columns in a table by their names; their order does not matter, nor do further columns.

    Raises:
        InvalidInputError: the model takes no numbers; the table lacks a column, or has one twice, or one of the answer.
    """
    if manifest.task != "arithmetic":
        raise InvalidInputError(other_task(manifest))
    places = {name.strip(): place for place, name in enumerate(names)}
    if len(places) < len(names):
        twice = next(name for place, name in enumerate(names) if places[name.strip()] != place)
        raise InvalidInputError(f"The table names column '{_short(twice)}' twice; rename one of the two.")
    missing = [name for name in manifest.columns if name not in places]
    if missing:
        raise InvalidInputError(
            f"Model '{manifest.name}' takes the columns {_listed(manifest.columns)}; the table has "
            f"{_listed(names) or 'none'}, and lacks {_listed(missing)}: its first line must name the columns."
        )
    added = [*predicted_names(manifest), EXTRAPOLATED, WARNINGS]
    taken = next((name for name in added if name in places), None)
    if taken is not None:
        raise InvalidInputError(
            f"The table has a column '{_short(taken)}', which the answer adds; rename or remove it."
        )
    return TableColumns([places[name] for name in manifest.columns], added)


def predicted_names(manifest: Manifest) -> list[str]:
    """Names of the columns with predictions: those of the outputs after ``predicted_``, as tables often hold both."""
    output = manifest.outputs[0]
    names = output.columns or [f"y{number}" for number in range(1, output.shape[1] + 1)]
    return [f"predicted_{name}" for name in names]


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(_short(name) for name in names[:_SHOWN_NAMES])
    return shown if len(names) <= _SHOWN_NAMES else f"{shown} and {len(names) - _SHOWN_NAMES} more"


def _short(name: str) -> str:
    return name if len(name) <= _SHOWN_CHARACTERS else f"{name[:_SHOWN_CHARACTERS]}..."
