"""python -m benchmarks.laws: find random laws, and claim none where there is none; ``--write`` keeps the results.

``--peers`` gives the same tables and time to other tools too.
Seeds other than 2026 are for work on the search; the published results are those of 2026.
"""

import argparse
from concurrent.futures import Executor
from pathlib import Path

from benchmarks.laws.measure import measure
from benchmarks.laws.peers import command as peers
from benchmarks.laws.report import LIMITS, line, summary, write
from training.errors import InputError
from training.trainer.executors.open import open_executor
from training.trainer.executors.options import add_executor_options

RESULTS = Path("docs/results")
WRITE = f"write the results and their page in {RESULTS}, after each kind: an interruption loses the kind that it meets"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.laws", description=__doc__)
    parser.add_argument("--kind", choices=LIMITS, help="measure this kind only (default: all)")
    parser.add_argument("--count", type=int, default=50, help="laws of each kind (default: 50)")
    parser.add_argument("--seed", type=int, default=2026, help="start of all random numbers (default: 2026)")
    add_executor_options(parser, "laws")
    parser.add_argument("--write", action="store_true", help=WRITE)
    peers.add_options(parser)
    options = parser.parse_args()
    if options.peers and options.on:
        parser.error("--peers compares tools on this machine; leave --on out, and give --jobs.")
    if options.peers:
        peers.main(options, RESULTS)
        return
    try:
        with open_executor(options.on, options.jobs) as executor:
            for kind in [options.kind] if options.kind else LIMITS:
                _run(executor, kind, options)
    except InputError as error:
        parser.error(str(error))
    except KeyboardInterrupt:
        parser.exit(130, "\nInterrupted; nothing of this kind is kept. With --write, the kinds before it are.\n")


def _run(executor: Executor, kind: str, options: argparse.Namespace) -> None:
    print(f"\n{kind}")
    results = []
    for result in measure(executor, kind, options.count, options.seed):
        results.append(result)
        print(line(result), flush=True)
    print(summary(kind, results))
    if options.write:
        write(RESULTS, kind, options.seed, results)


if __name__ == "__main__":
    main()
