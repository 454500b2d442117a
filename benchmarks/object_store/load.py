"""Clients that ask all models in turn, and compare every answer."""

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from itertools import cycle, islice
from typing import Any

from benchmarks.object_store.requests import ask, is_right, tolerance_of
from benchmarks.serving.bodies import Body

CLIENTS = 4
PAUSE_SECONDS = 0.005
"""Between two requests of a client: a few hundred a second leave the machine to the service and the store."""


@dataclass
class Outcomes:
    """What was answered."""

    requests: int = 0
    errors: int = 0
    wrong: int = 0
    seconds: list[float] = field(default_factory=list)
    first: str = ""
    """What the first error or wrong answer was."""

    def slowest_percent(self) -> float:
        """The 99th percentile of the latencies, in milliseconds."""
        return 1000 * sorted(self.seconds)[int(0.99 * (len(self.seconds) - 1))] if self.seconds else 0.0


class Load:
    """The clients of a service.

    Args:
        port: of the service.
        bodies: of the requests, by model.
        expected: answers.
    """

    def __init__(self, port: int, bodies: Mapping[str, Body], expected: Mapping[str, Any]) -> None:
        self._port, self._bodies, self._expected = port, bodies, expected
        self._lock = threading.Lock()
        self._outcomes = Outcomes()
        self._stopped = threading.Event()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Ask as long as the context lasts."""
        threads = [threading.Thread(target=self._run, args=(number,)) for number in range(CLIENTS)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._stopped.set()
            for thread in threads:
                thread.join()

    def take_outcomes(self) -> Outcomes:
        """What was answered since the last time."""
        with self._lock:
            outcomes, self._outcomes = self._outcomes, Outcomes()
        return outcomes

    def _run(self, number: int) -> None:
        connection = HTTPConnection("127.0.0.1", self._port, timeout=30)
        for name in islice(cycle(self._bodies), number * 3, None):
            if self._stopped.is_set():
                break
            started = time.perf_counter()
            try:
                status, answer = ask(connection, self._bodies[name])
            except (OSError, HTTPException) as error:
                connection.close()
                status, answer = 0, repr(error)
            self._record(name, status, answer, time.perf_counter() - started)
            time.sleep(PAUSE_SECONDS)
        connection.close()

    def _record(self, name: str, status: int, answer: Any, seconds: float) -> None:
        right = is_right(answer, self._expected[name], tolerance_of(self._bodies[name]))
        with self._lock:
            self._outcomes.requests += 1
            self._outcomes.seconds.append(seconds)
            self._outcomes.errors += status != 200
            self._outcomes.wrong += status == 200 and not right
            if not self._outcomes.first and (status != 200 or not right):
                self._outcomes.first = f"{name}: {status} {answer}"
