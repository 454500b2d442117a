"""Renders the results, as Markdown and as a plot."""

import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.overload.deadlines import DEADLINE_SECONDS, PATIENCE_SECONDS
from benchmarks.serving.cells import heads
from benchmarks.serving.scenarios import SCENARIOS
from training.output.figures import new_figure, save_figure

INTRO = """\
Requests come by the clock, at a multiple of the rate that the same client gets where it waits for each answer (the
peak). Server and client have a core each. *Goodput* is the answers with status 200 that came while their client still
waited: it waits for half a second to one and a half. *Rejected* requests got 503 with Retry-After, *no answer* ones
nothing: the kernel did not take their connection, or their time was over. *Not sent*: all of up to 4,096 connections
waited, so the request was dropped before the server saw it. Kept connections were opened before the first request.
Times are those of the goodput, from when a request was due. Numbers are medians of the rounds; ratios are of a round,
the lowest and the highest in brackets. Where the *client's core* is near 1, the client is the limit.

![Goodput by offered load](overload.png)
"""
COLUMNS = (
    *("Server", "Connections", "Offered / peak", "Peak", "Goodput", "Goodput / peak", "Rejected", "No answer"),
    *("Not sent", "Median, 99 %", "Client's core"),
)
DEADLINES = f"""\
## Deadlines

How long those wait whose request the service has read, by its own histogram, `nalu_request_seconds`: from the head to
the response, rejections included. The deadline is {DEADLINE_SECONDS:g} s here (`NALU_REQUEST_TIMEOUT_SECONDS`), and
clients wait for {PATIENCE_SECONDS[0]:g} s, so that none leaves before it. *Longest wait* is the smallest bound of the
histogram that holds all answers of all rounds; the bound above {DEADLINE_SECONDS:g} s is 1 s.
"""
DEADLINE_COLUMNS = ("Requests", "Connections", "Offered / peak", "Answers", "After 0.5 s", "Longest wait, at most")
LABELS = {"service": "ours", "baseline": "FastAPI"}

Rounds = Sequence[dict[str, Any]]


def render(results: dict[str, Any]) -> str:
    """The page."""
    lines = ["# Overload\n", f"{results['origin']}; rounds: {results['rounds']}, of {results['seconds']:g} s.\n", INTRO]
    for kind in dict.fromkeys(case["kind"] for case in results["cases"]):
        lines += [f"## {SCENARIOS[kind].title.rpartition(',')[0]}\n"]
        lines.append(heads(COLUMNS))
        lines += [row for case in results["cases"] if case["kind"] == kind for row in _rows(case)]
        lines.append("")
    return "\n".join([*lines, *_deadlines(results["cases"])])


def _deadlines(cases: Sequence[dict[str, Any]]) -> list[str]:
    """The longest waits; none where they were not measured."""
    lines = []
    for case in cases:
        for factor in case["rounds"][0].get("deadline", ()):
            answers = sum((Counter(seen["deadline"][factor]) for seen in case["rounds"]), Counter[str]())
            half = sum(count for bound, count in answers.items() if float(bound) <= 0.5)
            kept = "kept" if case["keep"] else "new"
            cells = [case["kind"], kept, factor, f"{answers.total():,}", f"{answers.total() - half:,}"]
            lines.append(f"| {' | '.join(cells)} | {longest_wait(answers)} s |")
    return [DEADLINES, heads(DEADLINE_COLUMNS), *lines, ""] if lines else []


def longest_wait(answers: Mapping[str, int]) -> str:
    """The smallest bound of the histogram, in seconds, within which all answers were given."""
    return max((bound for bound, count in answers.items() if count), key=float, default="0")


def _rows(case: dict[str, Any]) -> list[str]:
    rounds: Rounds = case["rounds"]
    peak = statistics.median(seen["peak"]["goodput"] for seen in rounds)
    return [_row(case, factor, peak) for factor in rounds[0]["overload"]]


def _row(case: dict[str, Any], factor: str, peak: float) -> str:
    seen = [each["overload"][factor] for each in case["rounds"]]
    middle = {name: statistics.median(each[name] for each in seen) for name in seen[0]}
    shares = ratios(case["rounds"], factor)
    ratio = f"{statistics.median(shares):.2f} ({min(shares):.2f} to {max(shares):.2f})"
    times = f"{middle['p50']:.0f} ms, {middle['p99']:.0f} ms" if middle["goodput"] else "none"
    rates = [f"{middle[name]:,.0f}" for name in ("refused", "no_answer", "not_sent")]
    start = [LABELS[case["server"]], "kept" if case["keep"] else "new", factor, f"{peak:,.0f}"]
    cells = [*start, f"{middle['goodput']:,.0f}", ratio, *rates, times, f"{middle['client_cores']:.2f}"]
    return f"| {' | '.join(cells)} |"


def ratios(rounds: Rounds, factor: str) -> list[float]:
    """Goodput divided by the peak, round by round, so that a slow phase of the machine cancels out."""
    return [seen["overload"][factor]["goodput"] / seen["peak"]["goodput"] for seen in rounds]


def plot(path: Path, results: dict[str, Any]) -> None:
    """Goodput / peak against offered / peak, one line for each kind of request and connection."""
    figure = new_figure(7, 4.2)
    axes = figure.add_subplot(xscale="log", title="Goodput beyond the peak")
    axes.set_xlabel("offered / peak")
    axes.set_ylabel("goodput / peak")
    ticks: set[float] = {1.0}
    for number, case in enumerate(case for case in results["cases"] if case["server"] == "service"):
        factors = list(case["rounds"][0]["overload"])
        medians = [statistics.median(ratios(case["rounds"], factor)) for factor in factors]
        loads = [1.0, *map(float, factors)]
        ticks |= set(loads)
        label = f"{case['kind']}, {'kept' if case['keep'] else 'new'} connections"
        style = "-" if case["keep"] else "--"
        axes.plot(loads, [1.0, *medians], style, marker="o", markersize=4, color=f"C{number // 2}", label=label)
    axes.set_xticks(sorted(ticks), [f"{tick:g}" for tick in sorted(ticks)])
    axes.minorticks_off()
    axes.set_ylim(0, 1.4)
    axes.grid(visible=True, alpha=0.3)
    axes.legend(frameon=False, fontsize=8)
    save_figure(figure, path)
