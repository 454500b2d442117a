"""python -m benchmarks.predict_table: ``python -m app.predict`` on a long CSV, beside pyarrow that reads and writes it.

Makes a table of random numbers, then runs in turns, each in a process of its own: pyarrow's ``read_csv`` and
``write_csv``, which hold the whole table; pyarrow's ``open_csv`` and ``CSVWriter``, which hold a part; and the command.
Every row of the command's output is checked. Needs the extra ``tables`` and 1.5 GB on the disk.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np
import pyarrow as pa
import pyarrow.csv
from tqdm import tqdm

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "results" / "predict-table.md"
PART = 500_000
WHOLE = "import sys, pyarrow.csv as c; c.write_csv(c.read_csv(sys.argv[1]), sys.argv[2])"
PARTS = """
import sys, pyarrow.csv as c
reader = c.open_csv(sys.argv[1])
with c.CSVWriter(sys.argv[2], reader.schema) as writer:
    for batch in reader:
        writer.write_batch(batch)
"""
COMMANDS = {
    "pyarrow, whole": ["-c", WHOLE, "{table}", "{output}"],
    "pyarrow, in parts": ["-c", PARTS, "{table}", "{output}"],
    "`app.predict`": ["-m", "app.predict", "add", "{table}", "--output", "{output}"],
}
OURS = "`app.predict`"


@dataclass(frozen=True)
class Run:
    """Seconds, CPU seconds and peak of resident memory of one process, from its start to its end."""

    seconds: float
    cpu_seconds: float
    megabytes: float


def write_table(path: Path, rows: int) -> None:
    """Write a number and two uniform columns for each row."""
    random = np.random.default_rng(0)
    schema = pa.schema([("id", pa.int64()), ("a", pa.float64()), ("b", pa.float64())])
    with pa.csv.CSVWriter(path, schema) as writer:
        for start in tqdm(range(0, rows, PART), desc="table", leave=False, disable=None):
            numbers = np.arange(start, min(start + PART, rows))
            columns = [numbers, *random.uniform(-10, 10, (2, len(numbers)))]
            writer.write_batch(pa.record_batch([pa.array(column) for column in columns], schema=schema))


def run(name: str, table: Path, output: Path) -> Run:
    """Run a command to its end.

    Raises:
        SystemExit: it fails.
    """
    arguments = [sys.executable, *(part.format(table=table, output=output) for part in COMMANDS[name])]
    started = perf_counter()
    child = os.posix_spawn(sys.executable, arguments, {**os.environ, "PYTHONPATH": str(ROOT)})
    _, status, usage = os.wait4(child, 0)
    if status:
        raise SystemExit(f"{name} failed.")
    return Run(perf_counter() - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def check(output: Path, rows: int) -> None:
    """Check every row of the command's output.

    Raises:
        SystemExit: a row is missing or wrong.
    """
    seen = 0
    for batch in pa.csv.open_csv(output):
        numbers, a, b, predicted = (batch[name].to_numpy() for name in ("id", "a", "b", "predicted_y"))
        if not (np.array_equal(numbers, seen + np.arange(len(numbers))) and np.array_equal(predicted, a + b)):
            raise SystemExit(f"{output} is wrong after row {seen}.")
        seen += len(numbers)
    if seen != rows:
        raise SystemExit(f"{output} has {seen} rows, not {rows}.")


def measure(rows: int, rounds: int, names: Sequence[str]) -> dict[str, list[Run]]:
    """Run commands in turns on a table of so many rows."""
    found: dict[str, list[Run]] = {name: [] for name in names}
    with tempfile.TemporaryDirectory() as folder:
        table, output = Path(folder, "table.csv"), Path(folder, "output.csv")
        write_table(table, rows)
        for _ in range(rounds):
            for name in names:
                found[name].append(run(name, table, output))
                if name == OURS:
                    check(output, rows)
    return found


def page(rows: int, found: dict[str, list[Run]], small: Run) -> str:
    """The page of results."""
    rounds = len(found[OURS])
    lines = [
        "# A long table without a server",
        "",
        f"`python -m benchmarks.predict_table --rounds {rounds} --write` measures this: {rows:,} rows of CSV with "
        "three columns, through `python -m app.predict add` and, in turns, through pyarrow, which reads and writes the "
        "same table and computes nothing; each from the start of its process to its end. Medians of "
        f"{rounds} rounds on {os.cpu_count()} cores, on {datetime.now(UTC):%Y-%m-%d}. Every predicted row was checked.",
        "",
        "| | Seconds | CPU seconds | Rows a second | Peak resident memory |",
        "| --- | --- | --- | --- | --- |",
    ]
    middle = {
        name: [median(values) for values in zip(*map(_values, runs), strict=True)] for name, runs in found.items()
    }
    for name, (seconds, cpu, megabytes) in middle.items():
        lines.append(f"| {name} | {seconds:.1f} | {cpu:.1f} | {rows / seconds:,.0f} | {megabytes:,.0f} MB |")
    whole, ours = middle["pyarrow, whole"], middle[OURS]
    lines += [
        "",
        f"`app.predict` is {whole[0] / ours[0]:.2f} times as fast as pyarrow with the whole table by the clock, and "
        f"{whole[1] / ours[1]:.2f} times by CPU time. For {PART:,} rows its peak is {small.megabytes:,.0f} MB: memory "
        "does not grow with the table.",
        "",
    ]
    return "\n".join(lines)


def _values(each: Run) -> tuple[float, float, float]:
    return each.seconds, each.cpu_seconds, each.megabytes


def main() -> None:
    """Measure, and print or write the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.predict_table", description="Predict for a long table.")
    parser.add_argument("--rows", type=int, default=10_000_000, help="of the table")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each command, in turns")
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.relative_to(ROOT)}")
    options = parser.parse_args()
    [small] = measure(PART, 1, [OURS])[OURS]
    text = page(options.rows, measure(options.rows, options.rounds, list(COMMANDS)), small)
    if options.write:
        PAGE.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
