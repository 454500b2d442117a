"""Results: one record for each unit, operation, number of inputs, range and kind of training, in a JSON file."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from training.errors import InputError
from training.output.whole_file import write_whole_file


@dataclass(frozen=True)
class SuccessRecord:
    """How often a unit learned an operation on one range.

    Args:
        unit: its published name, and its variant if any.
        operation: see ``training.research.benchmark.task``.
        inputs: how many, the irrelevant ones included.
        range: the interpolation range, as ``Range.name`` has it.
        seeds: how many runs.
        successes: runs whose extrapolation error is below the threshold, see
            ``training.research.benchmark.thresholds``.
        median_step: of the first evaluation below it, over successful runs; None without any, or without steps.
        sparsity_error: largest distance of a weight from -1, 0 and 1, as mean over successful runs.
        below_absolute: runs whose extrapolation error is below 1e-5 for any operation and range, the criterion of
            the scripts behind the earlier published figures. None: not measured.
        training: "first-order" or "second-order".
        snapped: whether weights were snapped to exact values after training.
        form: "given", where the unit or network was chosen for the operation, or "found", where it was not.
        first_seed: of the runs; they are numbered consecutively.
    """

    unit: str
    operation: str
    inputs: int
    range: str
    seeds: int
    successes: int
    median_step: float | None
    sparsity_error: float | None
    below_absolute: int | None = None
    training: str = "first-order"
    snapped: bool = False
    form: str = "given"
    first_seed: int = 1000

    @property
    def group(self) -> tuple[str, str, int, str, bool, str]:
        """All that identifies the record but its range."""
        return (self.unit, self.operation, self.inputs, self.training, self.snapped, self.form)

    @property
    def label(self) -> str:
        """The unit; with its kind of training, unless that is gradient descent without snapping."""
        special = [self.training] * (self.training != "first-order") + ["snapped"] * self.snapped
        return f"{self.unit} ({', '.join(special)})" if special else self.unit


def read(path: Path) -> list[SuccessRecord]:
    """The records of a file; none if it is missing."""
    if not path.exists():
        return []
    try:
        return [SuccessRecord(**fields) for fields in json.loads(path.read_text(encoding="utf-8"))["records"]]
    except (ValueError, TypeError, KeyError) as error:
        raise InputError(f"{path} has no results of this benchmark; move it away, or give another --out.") from error


def merge(path: Path, new: Sequence[SuccessRecord]) -> list[SuccessRecord]:
    """Add records to a file, replacing those of the same cells; returns all. The file is never half-written."""
    cells = {(*record.group, record.range): record for record in [*read(path), *new]}
    records = list(cells.values())
    lines = ",\n".join(f"  {json.dumps(asdict(record))}" for record in records)
    write_whole_file(path, f'{{"records": [\n{lines}\n]}}\n'.encode())
    return records


def done(records: Iterable[SuccessRecord], unit: str, operation: str, inputs: int, seeds: Sequence[int]) -> set[str]:
    """The ranges that have records of these seeds."""
    group = (unit, operation, inputs, seeds[0], len(seeds))
    return {r.range for r in records if (r.unit, r.operation, r.inputs, r.first_seed, r.seeds) == group}
