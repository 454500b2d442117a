"""python -m benchmarks.kubernetes: the Helm chart and KServe's manifests, checked and played.

Renders the chart with every set of values in deploy/helm/ci, checks every document against the schemas of its kind,
with no unknown field allowed, and plays the Deployment and KServe's container with podman. Helm and the schemas are
installed into an environment of their own, after the first run without a network. Exits with 1 if anything fails.
``--write`` writes the page of results.
"""

import argparse
import shutil
import sys
from pathlib import Path

from benchmarks.kubernetes import chart, play, report
from benchmarks.kubernetes.environment import default_home, install
from benchmarks.kubernetes.schemas import check
from benchmarks.serving.servers import free_port

RESULTS = Path("docs/results/kubernetes.md")


def main() -> int:
    """Run it; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.kubernetes")
    parser.add_argument("--image", default="nalu-serve:cpu", help="to play; `docker build .` or podman makes it")
    parser.add_argument("--home", type=Path, default=default_home(), help="folder of the environment")
    parser.add_argument("--write", action="store_true", help=f"write the page of results, {RESULTS}")
    options = parser.parse_args()
    if ":" not in options.image:
        parser.error(f"--image is '{options.image}', without a tag; give one, as {options.image}:cpu.")
    if shutil.which("podman") is None:
        raise SystemExit("This needs the command podman: apt-get install podman catatonit.")
    python, helm = install(options.home)
    documents = chart.render(helm) | chart.manifests()
    checks = check(python, documents)
    port = free_port()
    plays = [
        play.play(chart.played_deployment(helm, options.image, port), play.DEPLOYMENT, port),
        play.play(chart.kserve_pod(options.image, port), play.KSERVE, port),
    ]
    page = report.page(checks, plays, play.podman("--version"))
    print(page)
    if options.write:
        RESULTS.write_text(page, encoding="utf-8")
    return 0 if report.passed(checks, plays) else 1


if __name__ == "__main__":
    sys.exit(main())
