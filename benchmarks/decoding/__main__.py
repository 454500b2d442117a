"""python -m benchmarks.decoding: what decoding costs, whether it changes answers, and other decoders.

Needs Linux, the load generator wrk and two processor cores. The other decoders are installed into an environment of
their own. It exits with 1 if an answer to one of the drawn images is further than 0.01 from that of a full decode.
"""

import argparse
import json
import platform
import sys
import time
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.decoding import answers, candidates, costs
from benchmarks.decoding.report import render
from benchmarks.environments import InstallError, default_home
from benchmarks.serving.load import find_wrk
from benchmarks.serving.servers import cores, serving

RESULTS = Path("docs/results")
ROUNDS = 5
SECTIONS = ("costs", "answers", "decoders")


def main() -> None:
    """Measure, print, and save the results with --write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.decoding", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few images, one round")
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=SECTIONS, help="sections (default: all)")
    parser.add_argument("--environments", type=Path, default=default_home(), help="folder (default: the user's cache)")
    parser.add_argument("--write", action="store_true", help=f"write {RESULTS}/decoders.json and decoders.md")
    options = parser.parse_args()
    if options.write and options.quick:
        parser.error("--write saves whole measurements; leave out --quick.")
    file = RESULTS / "decoders.json"
    kept = json.loads(file.read_text(encoding="utf-8")) if options.write and file.exists() else {}
    try:
        results = {**kept, **measure(options.only, options.environments, quick=options.quick)}
    except InstallError as error:
        parser.error(str(error))
    if options.write:
        file.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
        (RESULTS / "decoders.md").write_text(render(results), encoding="utf-8")
    differences = [seen[key] for seen in results.get("answers", {}).values() for key in ("digit", "value")]
    sys.exit(max(differences, default=0) > answers.LARGEST_DIFFERENCE)


def measure(sections: list[str] | tuple[str, ...], environments: Path, *, quick: bool) -> dict[str, Any]:
    """Run the sections.

    Raises:
        InstallError: the other decoders cannot be installed.
    """
    find_wrk()
    server_core, *load_cores = cores()
    rounds = 1 if quick else ROUNDS
    sizes, qualities = (answers.SIZES[3:5], (75,)) if quick else (answers.SIZES, answers.QUALITIES)
    found: dict[str, Any] = {
        "date": time.strftime("%Y-%m-%d"),
        "processor": _processor(),
        "python": platform.python_version(),
        "pillow": version("pillow"),
    }
    with ExitStack() as stack:
        service = stack.enter_context(serving("service", [server_core]))
        if "costs" in sections:
            baselines = [stack.enter_context(serving(name, [server_core])) for name in ("baseline", "async baseline")]
            found["costs"] = costs.measure([service, *baselines], rounds, load_cores)
        if "answers" in sections:
            found |= {"sizes": len(sizes), "qualities": len(qualities)}
            found["answers"] = answers.measure(service, sizes, qualities)
    if "costs" in sections:
        found["parts"] = costs.parts(3 * rounds, server_core)
    if "decoders" in sections:
        found["decoders"] = candidates.measure(environments, 3 * rounds)
    return found


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


if __name__ == "__main__":
    main()
