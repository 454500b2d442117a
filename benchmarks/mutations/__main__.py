"""python -m benchmarks.mutations: random byte mutations of image files, through the service and training.

A child process does the work, so that a decoder that ends it by a signal is seen, with the case that did it. Ends with
status 1 where a request got a 5xx, the process ended early, service and training disagree, or memory grew.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

RESULTS = Path("docs/results")
MAX_GROWTH_MEGABYTES = 64
"""Growth of memory between the second and the last tenth of the cases that counts as flat."""
PAGE = """# Mutated image files

`python -m benchmarks.mutations --write` measures this: {number} files with random bytes changed, each through
`POST /predict/image` and through the reader of training, in one process; seed {seed}, Pillow {pillow}.

| | Files | 200 | 413 | 415 | 5xx | Read by training |
| --- | --- | --- | --- | --- | --- | --- |
{rows}

Files that only one of the two took, pixel limits aside: {disagreements}. The process did not end early. Slowest
request: {slowest}.

Megabytes of resident memory at ten points, evenly spaced, what the allocator keeps for the next image aside:
{resident}.
At most {peak} at any time: a mutated header may declare an image of 25 million pixels, the limit of one image.
"""
CHILD = """
import asyncio, faulthandler, sys
from pathlib import Path
from benchmarks.mutations.trial import run
faulthandler.enable()
number, seed, folder = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
asyncio.run(run(number, seed, (folder / "current").write_text)).write(folder / "outcome.json")
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, print the result, and return 1 where it is not what it should be."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mutations", description="Mutate image files.")
    parser.add_argument("--number", type=int, default=10_000, help="of files (default: 10000, a few minutes)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--write", action="store_true", help=f"write {RESULTS}/mutations.json and mutations.md")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-c", CHILD, str(options.number), str(options.seed), folder]
        code = subprocess.run(command, check=False).returncode
        if code:
            current = Path(folder) / "current"
            case = current.read_text(encoding="utf-8") if current.is_file() else "its start"
            print(f"The process ended with status {code} at {case}.")
            return 1
        outcome = json.loads((Path(folder) / "outcome.json").read_text(encoding="utf-8"))
    outcome |= {"number": options.number, "seed": options.seed, "pillow": version("pillow")}
    text = report(outcome)
    print(text)
    if options.write:
        (RESULTS / "mutations.json").write_text(json.dumps(outcome, indent=1) + "\n", encoding="utf-8")
        (RESULTS / "mutations.md").write_text(text, encoding="utf-8")
    return int(not is_good(outcome))


def is_good(outcome: dict[str, Any]) -> bool:
    """Whether no request got a 5xx, service and training agree, and memory stayed flat."""
    statuses = {status for counted in outcome["statuses"].values() for status in counted}
    resident = outcome["resident"]
    flat = resident[-1] - resident[1] <= MAX_GROWTH_MEGABYTES
    return statuses <= {"200", "413", "415"} and not outcome["disagreements"] and flat


def report(outcome: dict[str, Any]) -> str:
    """The result as Markdown."""
    seconds, kind, number = outcome["slowest"]
    rows = [
        f"| {kind} | {sum(counted.values()):,} | {counted.get('200', 0):,} | {counted.get('413', 0):,} | "
        f"{counted.get('415', 0):,} | {sum(n for status, n in counted.items() if status >= '500')} | "
        f"{outcome['trained'].get(kind, 0):,} |"
        for kind, counted in outcome["statuses"].items()
    ]
    return PAGE.format(
        number=f"{outcome['number']:,}",
        seed=outcome["seed"],
        pillow=outcome["pillow"],
        rows="\n".join(rows),
        disagreements=len(outcome["disagreements"]),
        slowest=f"{seconds:.2f} s ({kind}, case {number})",
        resident=", ".join(map(str, outcome["resident"])),
        peak=outcome["peak"],
    )


if __name__ == "__main__":
    sys.exit(main())
