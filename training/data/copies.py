"""Images that a dataset holds more than once, with one label or with several."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from training.data.label_rows import Row
from training.errors import InputError


def resolve_copies(
    rows: Sequence[Row], first: Sequence[int], task: str, labels: Path, *, strict: bool
) -> tuple[list[int], list[str]]:
    """The places of the rows to use, and sentences about copies.

    A class that is contradicted is no class, so all rows of such an image are left out; values may be measurements of
    one thing, and are used.

    Args:
        rows: usable rows.
        first: for each of them the place of the first row with the same image.
        task: ``"classification"`` or ``"regression"``.
        labels: what names them, for messages.
        strict: reject an image with two classes.

    Raises:
        InputError: an image has two classes and strict is set, or more than half of the rows are of such images.
    """
    groups: dict[int, list[int]] = defaultdict(list)
    for place, leader in enumerate(first):
        groups[leader].append(place)
    labelled = {leader: {_value(rows[place].label, task): place for place in group} for leader, group in groups.items()}
    contradicted = {leader: sorted(values.values()) for leader, values in labelled.items() if len(values) > 1}
    notes = [_contradiction(rows, contradicted, task)] if contradicted else []
    kept = list(range(len(rows)))
    if contradicted and task == "classification":
        kept = [place for place in kept if first[place] not in contradicted]
        if strict or 2 * len(kept) < len(rows):
            repair = "or leave out --strict to go on without it" if strict else "as most rows are of such images"
            raise InputError(f"{labels}: {_two_labels(rows, contradicted)}; give it one label, {repair}.")
    copies = [place for place in kept if first[place] != place and first[place] not in contradicted]
    return kept, notes + ([_copied(rows, first, copies)] if copies else [])


def _value(label: str, task: str) -> object:
    return float(label) if task == "regression" else label


def _contradiction(rows: Sequence[Row], contradicted: dict[int, list[int]], task: str) -> str:
    several = len(contradicted) > 1
    number = f"{len(contradicted):,} images have" if several else "1 image has"
    if task == "regression":
        return f"{number} several values, which are all used (first: {_two_labels(rows, contradicted)})."
    are = "are" if several else "is"
    return f"{number} several labels and {are} left out (first: {_two_labels(rows, contradicted)})."


def _two_labels(rows: Sequence[Row], contradicted: dict[int, list[int]]) -> str:
    one, other = (rows[place] for place in next(iter(contradicted.values()))[:2])
    return f"{one.place} is '{one.label}', {other.place} the same image and '{other.label}'"


def _copied(rows: Sequence[Row], first: Sequence[int], copies: list[int]) -> str:
    place = copies[0]
    what = "file is a copy" if len(copies) == 1 else "files are copies"
    return (
        f"{len(copies):,} {what} of another (first: {rows[place].place} of {rows[first[place]].place}); copies of an "
        f"image are trained on, or held out, together."
    )
