"""python -m benchmarks.images: trains the image models over seeds, beside baselines, and writes their accuracy.

Every run is kept in ``reports/images``, so an interrupted benchmark goes on where it was; runs of other seeds and
models may go side by side.
"""

import argparse
import json
from pathlib import Path

from benchmarks.images.render import write_report
from benchmarks.images.run import run
from training.errors import InputError
from training.output.whole_file import write_whole_file
from training.trainer.executors.open import open_executor
from training.trainer.executors.options import add_executor_options
from training.trainer.executors.tasks import completed

NAMES = ("digit", "digit-sum", "digit-count", "digit-product", "digit-value")
SEEDS = (0, 1, 2)
REPORTS = Path("reports/images")


def main() -> None:
    """Run the missing seeds, then write the report."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.images", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=NAMES, default=NAMES, help="models (default: all)")
    parser.add_argument("--seeds", nargs="+", type=int, default=SEEDS, help="seeds (default: 0 1 2)")
    # alias: --pictures, as the option was called in version 0.1
    parser.add_argument("--images", "--pictures", type=int, default=2000, help="test images a line (default: 2000)")
    add_executor_options(parser, "seeds")
    parser.add_argument("--write", action="store_true", help="write docs/results/images.*")
    options = parser.parse_args()
    REPORTS.mkdir(parents=True, exist_ok=True)
    tasks = [(name, seed, options.images) for seed in options.seeds for name in options.only]
    pending = [task for task in tasks if not _record(*task).exists()]
    try:
        with open_executor(options.on, options.jobs) as executor:
            for index, (found, exported) in completed(executor, run, pending):
                path = _record(*pending[index])
                for file, content in exported.items():
                    write_whole_file(REPORTS / str(found["seed"]) / file, content)
                write_whole_file(path, f"{json.dumps(found, indent=1)}\n".encode())
                print(f"{path}", flush=True)
    except InputError as error:
        parser.error(str(error))
    if options.write:
        write_report(REPORTS, Path("docs/results"))


def _record(name: str, seed: int, _: int) -> Path:
    return REPORTS / f"{name}-{seed}.json"


if __name__ == "__main__":
    main()
