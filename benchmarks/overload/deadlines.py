"""How long requests wait under overload that the service has accepted, by its own count."""

import re
import urllib.request
from collections import Counter
from collections.abc import Iterator
from typing import Any

from benchmarks.overload.client import OpenLoop
from benchmarks.overload.measure import WARM_SECONDS, settle, sound
from benchmarks.serving.http_client import post
from benchmarks.serving.scenarios import SCENARIOS
from benchmarks.serving.servers import Server

DEADLINE_SECONDS = 0.9
"""That of the service here: a tenth of a second below a bound of its histogram, as it looks for the ends of deadlines
now and then."""
SETTINGS = {"NALU_REQUEST_TIMEOUT_SECONDS": str(DEADLINE_SECONDS)}
PATIENCE_SECONDS = 3.0, 3.0
"""Clients wait for longer, so that none leaves before."""
FACTORS = (3.0, 10.0)
_BUCKET = re.compile(r"^nalu_request_seconds_bucket\{(.*)\} ([0-9.e+]+)$", re.MULTILINE)


def longest_waits(server: Server, kind: str, peak: float, *, keep: bool, seconds: float) -> dict[str, Any]:
    """At multiples of a peak, the answers by the upper bound of the seconds in which they were given.

    Args:
        server: the service, with ``SETTINGS``.
        kind: of requests.
        peak: requests a second.
        keep: whether connections are used again.
        seconds: of load, after the warm-up.

    Raises:
        SystemExit: an answer was neither 200 nor 503 with Retry-After.
    """
    content, path, found = post(SCENARIOS[kind].body()), SCENARIOS[kind].body().path, {}
    for factor in FACTORS:
        before = _scrape(server, path)
        loop = OpenLoop(server.port, content, factor * peak, keep=keep, patience=PATIENCE_SECONDS)
        sound(server, kind, loop.run(WARM_SECONDS, seconds))
        settle(server)
        found[f"{factor:g}"] = dict(_scrape(server, path) - before)
    return found


def _scrape(server: Server, path: str) -> Counter[str]:
    with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/metrics", timeout=30) as answer:
        return Counter(dict(answers_by_bound(answer.read().decode(), path)))


def answers_by_bound(metrics: str, path: str) -> Iterator[tuple[str, int]]:
    """The answers to requests for a path between two bounds of the histogram, by the upper one."""
    below = 0
    for labels, count in _BUCKET.findall(metrics):
        if f'route="{path}"' in labels:
            yield labels.partition('le="')[2].partition('"')[0], int(float(count)) - below
            below = int(float(count))
