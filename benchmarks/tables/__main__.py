"""python -m benchmarks.tables: what ``fit`` makes of one law in hundreds of random dialects of pandas and Excel.

Every table holds ``y = 2 a b``. The outcome is right if the numbers that were read are those that were written and the
law was found; refused if one sentence names a repair instead; anything else is wrong. Reading and search are those of
``fit``; with ``--whole``, it is ``fit`` itself, with network, MLP, plot and export, which takes seconds a table.
"""

import argparse
import contextlib
import io
import json
import re
import tempfile
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from time import process_time

import numpy as np
import torch
from hypothesis import HealthCheck, given, seed, settings

from benchmarks.tables.dialects import DIALECTS, Dialect, ExcelDialect
from benchmarks.tables.reading import REPAIR, TableResult, Unwritable, read
from training.__main__ import main as training
from training.data.table import informative
from training.data.table_split import split_table
from training.symbolic.find_law import find_law

RESULTS = Path("docs/results")
SECONDS = 60
POINT, AT_POINT = (3.0, 4.0), 24.0
RIGHT, REFUSED = "right", "refused"
LAW = re.compile(r"^table: (\S+) \* ", re.MULTILINE)


@dataclass(frozen=True)
class Outcome:
    """Of one table: its dialect, ``right``, ``refused`` or what was wrong, and the sentence of a refusal."""

    dialect: Dialect
    outcome: str
    sentence: str = ""


def outcome(dialect: Dialect, folder: Path, whole: bool) -> Outcome:
    """Write a table, read it and look for its law.

    Raises:
        Unwritable: no program writes this dialect.
    """
    result = read(dialect, folder)
    if result.table is None:
        named = REPAIR.search(result.refusal) and "\n" not in result.refusal
        return Outcome(dialect, REFUSED if named else "no repair", result.refusal)
    if not np.array_equal(result.table.inputs[:, -2:], result.written[:, :2]):
        return Outcome(dialect, "other inputs")
    if not np.array_equal(result.table.target, result.written[:, 2:]):
        return Outcome(dialect, "another target")
    return Outcome(dialect, _whole(result, folder) if whole else _law(result))


def _law(result: TableResult) -> str:
    """Whether the search finds the law."""
    assert result.table is not None
    table, _ = informative(result.table, "table")
    train = split_table(table.inputs, table.target, 0, "table", table.numbers).train
    found = find_law(train.inputs, train.target, columns=table.columns, rows=train.numbers, seconds=SECONDS)
    if found.formula is None:
        return f"no law: {found.reason}"
    inputs = torch.zeros(1, len(table.columns), dtype=torch.float64)
    inputs[0, -2:] = torch.tensor(POINT)
    return RIGHT if abs(found.network(inputs).item() / AT_POINT - 1) < 0.01 else f"law: {found.formula}"


def _whole(result: TableResult, folder: Path) -> str:
    """Whether the command prints the law."""
    printed = io.StringIO()
    arguments = ["--target", result.target, "--restarts", "1", "--seconds", str(SECONDS), "--name", "table"]
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(io.StringIO()):
        code = training(
            ["fit", str(result.path), *arguments, "--repository", str(folder / "models"), "--plots", str(folder)]
        )
    law = LAW.search(printed.getvalue())
    return RIGHT if code == 0 and law and abs(float(law[1]) / 2 - 1) < 0.01 else f"exit code {code}, {law and law[0]}"


def measure(count: int, start: int, whole: bool) -> list[Outcome]:
    """Outcomes of so many dialects that can be written."""
    outcomes: dict[Dialect, Outcome] = {}

    @seed(start)
    @settings(max_examples=2 * count, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(DIALECTS)
    def one(dialect: Dialect) -> None:
        if dialect in outcomes or len(outcomes) == count:
            return
        with tempfile.TemporaryDirectory() as folder, contextlib.suppress(Unwritable):
            outcomes[dialect] = outcome(dialect, Path(folder), whole)
            if outcomes[dialect].outcome not in {RIGHT, REFUSED}:
                print(outcomes[dialect], flush=True)
            elif len(outcomes) % 50 == 0:
                print(f"{len(outcomes)} tables", flush=True)

    one()
    return list(outcomes.values())


def summary(outcomes: list[Outcome], command: str, seconds: float) -> str:
    """The page of the results."""
    lines = [
        "# Tables in random dialects",
        "",
        f"`{command}` measures this: {len(outcomes):,} tables of `y = 2 a b` in dialects that hypothesis draws, "
        f"{seconds / len(outcomes):.2f} s of CPU time each.",
        "",
        "| Written by | Tables | Right law | Refused with a repair | Wrong |",
        "| --- | --- | --- | --- | --- |",
    ]
    for title, excel in (("pandas' `to_csv`", False), ("Excel's exports", True)):
        ours = [each for each in outcomes if isinstance(each.dialect, ExcelDialect) == excel]
        right, refused = (sum(each.outcome == kind for each in ours) for kind in (RIGHT, REFUSED))
        lines.append(f"| {title} | {len(ours)} | {right} | {refused} | {len(ours) - right - refused} |")
    lines += ["", "Refused were:", "", "| Times | Sentence, with its values as `…` |", "| --- | --- |"]
    kinds = Counter(_kind(each.sentence) for each in outcomes if each.outcome == REFUSED)
    return "\n".join([*lines, *(f"| {times} | {kind} |" for kind, times in kinds.most_common())]) + "\n"


def _kind(sentence: str) -> str:
    """The sentence without its values, so that alike ones are counted together."""
    sentence = re.sub(r"its columns are .*?(;|\(|\.$)", r"its columns are …\1", sentence)
    return re.sub(r"'.*?'(?=[ ;,.)])|\d+", "…", sentence).replace("|", "\\|")


def main() -> None:
    """Measure, print, and write the results where that is asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tables", description=__doc__)
    parser.add_argument("--count", type=int, default=520, help="tables (default: 520)")
    parser.add_argument("--seed", type=int, default=2026, help="of the dialects (default: 2026)")
    parser.add_argument("--whole", action="store_true", help="run the whole command on each table")
    parser.add_argument("--write", action="store_true", help=f"write {RESULTS}/tables.json and tables.md")
    options = parser.parse_args()
    begun = process_time()
    outcomes = measure(options.count, options.seed, options.whole)
    command = f"python -m benchmarks.tables --write{' --whole' if options.whole else ''}"
    page = summary(outcomes, command, process_time() - begun)
    print(page)
    if options.write:
        rows = [
            {"dialect": asdict(each.dialect), "outcome": each.outcome, "sentence": each.sentence} for each in outcomes
        ]
        lines = ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
        (RESULTS / "tables.json").write_text(f"[\n{lines}\n]\n", encoding="utf-8")
        (RESULTS / "tables.md").write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
