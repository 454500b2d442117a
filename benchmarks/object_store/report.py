"""The page of results."""

import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from statistics import median
from typing import Any

from benchmarks.serving.servers import ROOT

PAGE = ROOT / "docs" / "results" / "object-store.md"
HEADING = (
    "| The store ... | Noticed after, s | Recovered after, s | Requests | Errors | Wrong | p99, ms |",
    "| --- | --- | --- | --- | --- | --- | --- |",
)


def line(entry: Mapping[str, Any]) -> str:
    """A line of the table."""
    times = [_shown(entry.get(name)) for name in ("noticed", "recovered")]
    counts = f"{entry['requests']:,} | {entry['errors']} | {entry['wrong']} | {entry['p99']:.0f}"
    return f"| {entry['name']} | {' | '.join(times)} | {counts} |"


def _shown(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:.1f}"


def _spread(seconds: Sequence[float]) -> str:
    return f"{median(seconds):.1f} s (at most {seconds[-1]:.1f})"


def text(results: Mapping[str, Any]) -> str:
    """What is measured, without the introduction."""
    pushed = results["pushed"]
    starts = [results[name] for name in ("folder_start", "bucket_start", "cache_start")]
    total = {name: sum(entry[name] for entry in results["rounds"]) for name in ("requests", "errors", "wrong")}
    return "\n".join(
        [
            f"- All {results['models']} models are answered as from the folder, byte for byte, also after a restart "
            "without the store.",
            f"- A start takes {starts[0]:.1f} s from the folder, {starts[1]:.1f} s from the bucket with an empty "
            f"cache, and {starts[2]:.1f} s from the cache without the store.",
            f"- The poll interval is {results['poll']:g} s. Of {len(pushed)} versions pushed, the first answer "
            f"came {_spread(results['first'])} after the push, and all workers served it after {_spread(pushed)}; "
            f"removed versions were gone after {results['removed']:.1f} s.",
            f"- {total['requests']:,} requests, {total['errors']} errors, {total['wrong']} wrong answers:",
            "",
            *HEADING,
            *map(line, results["rounds"]),
        ]
    )


def page(results: Mapping[str, Any]) -> str:
    """The page."""
    return f"""# Models from a bucket that fails

`python -m benchmarks.object_store --write` measures this: a service with {results["workers"]} workers on a bucket of
moto 5.2, an S3 that runs here, behind a proxy; `python -m training push` uploads the default models. Four clients ask
all models in turn, and every answer is compared with that of a service on the folder. The processor is shared with
moto, the proxy and the clients, so times say little: the load average was {results["load"]:.0f}
on {os.cpu_count()} cores. On {datetime.now(UTC):%Y-%m-%d}:

{text(results)}

*Noticed* is when `/health/ready`, which stays 200, gives the reason, *recovered* when it no longer does; each failure
lasts eight seconds from the first on. A flipped byte in a fetched file is found by its hash; the file is fetched again
after ever longer times until it changes, so damage that was on the way alone is over with the next of these.
"""
