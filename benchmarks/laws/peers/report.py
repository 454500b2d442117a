"""The page of all tools: how many laws each solved, where the others were better, and what was measured."""

import json
import os
import platform
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.laws.peers.tools import OURS, PEERS
from benchmarks.laws.peers.trial import CLOSE, EXACT, POINTS

NAME = "laws-peers"
SAME = ("kind", "noise", "seed", "seconds")
"""What runs of different tools have in common if they may stand beside each other."""
Results = Sequence[Mapping[str, Any]]


def line(result: Mapping[str, Any]) -> str:
    """One tool on one table."""
    mark = "solved" if result["solved"] else "      "
    error = "none" if result["error"] is None else f"{result['error']:.0e}"
    reported = result["problem"] or result["formula"]
    return f"{mark} {result['tool']:10} {result['seconds']:6.1f} s  {error:>5}  {result['truth']}  ->  {reported}"


def write(folder: Path, entry: dict[str, Any], unavailable: Mapping[str, str]) -> None:
    """Put the results of one kind and noise into ``laws-peers.json`` and its page.

    Other kinds stay, and so do other tools on the same tables with the same time.

    Args:
        folder: of the results.
        entry: ``kind``, ``noise``, ``seed``, ``seconds``, ``results``.
        unavailable: why tools were left out.
    """
    path = folder / f"{NAME}.json"
    kept = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"runs": []}
    machine = f"one core of {platform.machine()} with {os.cpu_count()}, Python {platform.python_version()}"
    before = [run for run in kept["runs"] if all(run[name] == entry[name] for name in SAME)]
    entry = {**entry, "results": [*_others(before, entry["results"]), *entry["results"]], "machine": machine}
    others = [run for run in kept["runs"] if (run["kind"], run["noise"]) != (entry["kind"], entry["noise"])]
    kept = {"unavailable": dict(unavailable), "runs": [*others, entry]}
    path.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    (folder / f"{NAME}.md").write_text(markdown(kept), encoding="utf-8")


def _others(before: Results, results: Results) -> Iterable[Mapping[str, Any]]:
    """Earlier results of other tools on these tables."""
    tools, tables = {result["tool"] for result in results}, {result["table"] for result in results}
    earlier = (result for run in before for result in run["results"])
    return (result for result in earlier if result["tool"] not in tools and result["table"] in tables)


def markdown(kept: Mapping[str, Any]) -> str:
    """The page."""
    runs = sorted(kept["runs"], key=lambda run: run["noise"])
    tools = [tool for tool in PEERS if any(result["tool"] == tool for run in runs for result in run["results"])]
    every = [(run, result) for run in runs for result in run["results"]]
    clean = [run for run in runs if not run["noise"]]
    parts = [_introduction(runs, tools), "## Solved\n", *_counts(runs, tools, lambda result: result["solved"])]
    if clean:
        parts += [f"\n## Right to {CLOSE:.1%}\n", *_counts(clean, tools, _is_close)]
    parts += [*_beside(every, tools), *_losses(every)]
    if kept["unavailable"]:
        parts += ["\n## Left out\n", *(f"- {reason}" for reason in kept["unavailable"].values())]
    return "\n".join(parts) + "\n"


def _introduction(runs: Results, tools: Sequence[str]) -> str:
    seconds, seeds, machines = (
        " or ".join(sorted({str(run[name]) for run in runs})) for name in ("seconds", "seed", "machine")
    )
    measured = (PEERS[tool].requirements for tool in tools)
    pinned = ", ".join(" ".join(pins[0].split("==")) for pins in measured if pins)
    return (
        "# Laws beside other tools\n\n"
        f"`python -m benchmarks.laws --peers --write` measures this: {pinned}, each in an environment of its own, on "
        f"the tables of [random laws](laws.md), seed {seeds}. Each tool has {seconds} s a table on {machines}, imports "
        "not counted, "
        "and is killed then; its last answer counts. Noise is normal, in proportion to each value. A law is solved if, "
        f"at {POINTS:.0%} of 1,000 points outside the table's range, the prediction is off from the law without noise "
        f"by less than the noise, or {EXACT:g} where there is none. pyoperon computes in float32, whose rounding costs "
        f"it such laws: a second table counts errors below {CLOSE:.1%}. Without a claimed formula, {OURS} has no "
        "answer. Settings of the tools: "
        "[benchmarks/laws/peers/programs](../../benchmarks/laws/peers/programs/__init__.py).\n"
    )


def _is_close(result: Mapping[str, Any]) -> bool:
    return result["error"] is not None and result["error"] < CLOSE


def _counts(runs: Results, tools: Sequence[str], is_right: Callable[[Mapping[str, Any]], bool]) -> Iterable[str]:
    """How many tables of each kind each tool has right, and of all with that noise."""
    yield f"| Laws | Noise | {' | '.join(tools)} |"
    yield "| --- | --- |" + " --- |" * len(tools)
    totals: dict[float, list[tuple[int, int]]] = {}
    for run in runs:
        own = [[is_right(result) for result in run["results"] if result["tool"] == tool] for tool in tools]
        counts = [(sum(right), len(right)) for right in own]
        before = totals.get(run["noise"], [(0, 0)] * len(tools))
        totals[run["noise"]] = [(a + c, b + d) for (a, b), (c, d) in zip(before, counts, strict=True)]
        yield f"| {run['kind']} | {run['noise']:.0%} | {' | '.join(_cells(counts))} |"
    for noise, counts in totals.items():
        yield f"| all | {noise:.0%} | {' | '.join(_cells(counts))} |"


def _cells(counts: Sequence[tuple[int, int]]) -> Sequence[str]:
    """Of one row; the largest count in bold."""
    best = max(right for right, _ in counts)
    cells = [f"{right} of {tables}" if tables else "" for right, tables in counts]
    return [f"**{cell}**" if 0 < right == best else cell for cell, (right, _) in zip(cells, counts, strict=True)]


def _beside(every: Sequence[tuple[Any, Any]], tools: Sequence[str]) -> Iterable[str]:
    """Table by table, ours and each other tool."""
    ours = {_key(run, result): result for run, result in every if result["tool"] == OURS}
    claimed = [result for result in ours.values() if result["formula"] is not None]
    wrong = sum(not result["solved"] for result in claimed)
    yield f"\n{OURS} claimed {len(claimed)} formulas, {wrong} of them not solved; the other tools always give one.\n"
    yield "## Table by table\n\n| Beside | Both | Only ours | Only theirs | Neither |\n| --- | --- | --- | --- | --- |"
    for tool in tools:
        pairs = [
            (ours[_key(run, result)]["solved"], result["solved"])
            for run, result in every
            if result["tool"] == tool and _key(run, result) in ours
        ]
        if tool != OURS and pairs:
            counts = [pairs.count(pair) for pair in ((True, True), (True, False), (False, True), (False, False))]
            yield f"| {tool} | {' | '.join(map(str, counts))} |"


def _losses(every: Sequence[tuple[Any, Any]]) -> Iterable[str]:
    """Tables that others solved and we did not."""
    ours = {_key(run, result): result for run, result in every if result["tool"] == OURS}
    by: dict[Any, list[str]] = defaultdict(list)
    for run, result in every:
        key = _key(run, result)
        if result["solved"] and key in ours and not ours[key]["solved"]:
            by[key].append(result["tool"])
    if not by:
        return
    yield "\n## Solved by others only\n\n| Laws | Noise | Law | Solved by | Ours |\n| --- | --- | --- | --- | --- |"
    for key, solved_by in by.items():
        found = f"`{ours[key]['formula']}`" if ours[key]["formula"] else "none claimed"
        yield f"| {key[0]} | {key[1]:.0%} | `{ours[key]['truth']}` | {', '.join(solved_by)} | {found} |"


def _key(run: Mapping[str, Any], result: Mapping[str, Any]) -> tuple[str, float, int]:
    return run["kind"], run["noise"], result["table"]
