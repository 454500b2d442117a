"""Results: one record a run, in a JSON file that is rewritten after every run."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from training.errors import InputError
from training.output.whole_file import write_whole_file
from training.research.sequences.recurrent_cell import current_name

Errors = dict[str, float | None]


@dataclass(frozen=True)
class RunRecord:
    """One run.

    Args:
        task: see ``training.research.sequences.task``.
        unit: of the cell; "oracle" is the exact arithmetic, "LSTM" the LSTM baseline.
        seed: of start values and order of the digits.
        mae: mean absolute error on sequences of test digits, by length; None where it is not finite.
        mse: mean square error on them, by length.
        bias: mean error of the CNN on single test digits.
        rmse: root mean square error of the CNN on single test digits.
        validation_mae: on sequences of validation digits of the training length.
        weights: of the unit, as they are after training; None where they are not informative (NALU, LSTM, count).
        sparsity_error: largest distance of those weights from -1, 0 and 1.
        steps: of AdamW. seconds: of processor time for training and testing. date: of the run.
    """

    task: str
    unit: str
    seed: int
    mae: Errors
    mse: Errors
    bias: float
    rmse: float
    validation_mae: float | None
    weights: list[float] | None
    sparsity_error: float | None
    steps: int
    seconds: float
    date: str

    @property
    def key(self) -> tuple[str, str, int]:
        """Identifies the run."""
        return (self.task, self.unit, self.seed)


def read(path: Path) -> list[RunRecord]:
    """The records of a file; none if it is missing."""
    if not path.exists():
        return []
    try:
        found = json.loads(path.read_text(encoding="utf-8"))["records"]
        return [RunRecord(**{**fields, "unit": current_name(fields["unit"])}) for fields in found]
    except (ValueError, TypeError, KeyError) as error:
        raise InputError(f"{path} has no results of sequences; move it away, or give another --out.") from error


def add(path: Path, record: RunRecord) -> None:
    """Add a record to a file, replacing one of the same run. The file is never half-written."""
    records: Sequence[RunRecord] = list({each.key: each for each in [*read(path), record]}.values())
    lines = ",\n".join(f"  {json.dumps(asdict(each))}" for each in records)
    write_whole_file(path, f'{{"records": [\n{lines}\n]}}\n'.encode())
