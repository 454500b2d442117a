"""python -m benchmarks.scaling: processor time of a request as workers, connections and models become many.

Needs Linux, wrk, two processor cores, and ``ulimit -n`` above ten thousand. Exits with 1 if a request costs more than a
rule allows. ``--write`` saves the results.
"""

import argparse
import sys

from benchmarks.scaling.curves import COUNTS, CURVES, RULES, ratio
from benchmarks.scaling.report import RESULTS, plot, render
from benchmarks.serving.load import find_wrk
from benchmarks.serving.servers import cores, raise_file_limit

ROUNDS, SECONDS = 7, 1.0


def main() -> int:
    """Measure and print; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scaling", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=COUNTS, default=list(COUNTS), metavar="CURVE")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"of all counts in turns (default: {ROUNDS})")
    parser.add_argument("--write", action="store_true", help=f"write {RESULTS}/scaling.md and scaling.png")
    options = parser.parse_args()
    if options.write and options.only != list(COUNTS):
        parser.error("--write saves whole runs only; leave out --only.")
    find_wrk()
    raise_file_limit()
    runs = {name: CURVES[name](options.rounds, SECONDS, cores()) for name in options.only}
    broken = [rule for rule in RULES if rule.curve in runs and ratio(runs[rule.curve], rule) > rule.most]
    text = render(runs)
    if options.write:
        (RESULTS / "scaling.md").write_text(text, encoding="utf-8")
        plot(runs, RESULTS / "scaling.png")
    print(text)
    for rule in broken:
        print(f"BROKEN  {rule}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
