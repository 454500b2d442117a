"""The page of results."""

import os
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import median

from benchmarks.scaling.curves import CONNECTIONS, RULES, Runs, ratio
from benchmarks.serving.cells import heads, row

RESULTS = Path("docs/results")
BENDS = {
    "connections": "From 1 to 64 the curve falls: a request alone pays for a turn of the event loop, a wait for the "
    "kernel and a batch of its own, which many share. From there it rises slowly: a request meets its connection after "
    "those of all others, so the processor's caches no longer hold what belongs to it, and twice a second a sweep "
    "looks at every connection, 3 us each, which is 5 us of a request at 10,000 connections and 11,000 requests/s.",
    "models": "What is there for each model is looked at by the poll of the folder alone, every two seconds. Where "
    "nothing has changed, a poll looks at the folder and the manifest of each model, about 10 us, and reads 64 models "
    "in full, 4 ms. Requests pay for more than that, as it takes turns with them in Python and in the processor's "
    "caches. Each measurement takes two polls.",
    "workers": "Each worker has a share of the connections and metrics of its own, and nothing in common with others. "
    "All share one core here, so with eight of them the kernel switches between processes, whose working sets share "
    "the caches of that core.",
}
"""Why each curve bends where it does."""


def render(runs: Mapping[str, Runs]) -> str:
    """The page."""
    return "\n".join(_lines(runs)) + "\n"


def _lines(runs: Mapping[str, Runs]) -> Iterator[str]:
    command = " ".join(["python -m benchmarks.scaling", *sys.argv[1:]])
    rounds = len(next(iter(next(iter(runs.values())).values())))
    yield "# Scaling"
    yield ""
    yield f"`{command}` measured this on {time.strftime('%Y-%m-%d')}, with {len(os.sched_getaffinity(0))} cores."
    yield ""
    yield "Processor time of all processes of the service, divided by its requests of one row, while nothing but these"
    yield f"requests happens: all connections are open. {CONNECTIONS} connections where it is not their number that"
    yield f"varies. The servers are on one core and wrk on another; medians of {rounds} rounds of all counts in turns."
    for name, points in runs.items():
        yield from ("", f"## {name.capitalize()}", "", heads([name.capitalize(), "CPU us per request", "Requests/s"]))
        for count, seen in points.items():
            cpu, rate = median(point.cpu_us for point in seen), median(point.rate for point in seen)
            yield row([f"{count:,}", f"{cpu:.1f}", f"{rate:,.0f}"])
        for rule in (rule for rule in RULES if rule.curve == name):
            yield ""
            yield f"{rule.count:,} cost {ratio(points, rule):.2f} times what {rule.base:,} cost; limit {rule.most}."
        yield from ("", BENDS[name])
    yield from ("", "![Processor time of a request](scaling.png)")


def plot(runs: Mapping[str, Runs], file: Path) -> None:
    """Draw the curves side by side."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3), layout="constrained")
    for axes, (name, points) in zip(
        figure.subplots(1, len(runs), sharey=True, squeeze=False)[0], runs.items(), strict=True
    ):
        middle = [median(point.cpu_us for point in seen) for seen in points.values()]
        spread = [[point.cpu_us for point in seen] for seen in points.values()]
        axes.fill_between(list(points), [min(each) for each in spread], [max(each) for each in spread], alpha=0.2)
        axes.plot(list(points), middle, marker="o")
        axes.set(xscale="log", xlabel=name, ylim=(0, None))
    figure.axes[0].set_ylabel("CPU us per request")
    figure.savefig(file, dpi=120)
