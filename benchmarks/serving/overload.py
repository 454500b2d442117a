"""Overload: requests at three times the peak rate, sent by the clock (open loop).

A slow server gets no fewer of them. wrk cannot do that: its connections wait for their responses, and it does not
separate the times of rejections and predictions. A client waits one second, then closes the connection. There are as
many connections as requests can wait in that second, but no more than 8,192, as operating systems set limits; a request
that finds all of them waiting is dropped and counted separately, as the server never sees it. Goodput is the responses
with status 200 within the second, per second. The peak that it is compared with is measured by wrk with the same body
and connections just before, in the same round.
"""

import asyncio
import math
from collections import Counter, deque
from dataclasses import dataclass, field
from time import perf_counter

import uvloop

from benchmarks.serving.http_client import Answer, Connection, connect

FACTOR = 3.0
TIMEOUT_SECONDS = 1.0
MOST_CONNECTIONS = 8192
OPENED_AT_A_TIME = 64
WARM_SECONDS = 1.0
"""Warm-up until the queue is full; its responses do not count."""
TICK_SECONDS = 0.001


@dataclass
class Outcome:
    """Outcomes of the requests of one run.

    Attributes:
        seconds: that were counted.
        due: requests that came.
        no_connection: of these, given up as all connections waited for answers.
        statuses: answers by status.
        in_time: answers with status 200 within the time-out.
        no_answer: requests whose time was over, or whose connection broke.
        silent_refusals: answers with status 503 that name no time to come again.
    """

    seconds: float = 0.0
    due: int = 0
    no_connection: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    in_time: int = 0
    no_answer: int = 0
    silent_refusals: int = 0

    def as_dict(self) -> dict[str, float]:
        """Rates a second, for the results file."""
        others = self.statuses.total() - self.statuses[200] - self.statuses[503]
        counts = {
            "offered": self.due,
            "no_connection": self.no_connection,
            "goodput": self.in_time,
            "late": self.statuses[200] - self.in_time,
            "refused": self.statuses[503],
            "silent_refusals": self.silent_refusals,
            "other_statuses": others,
            "no_answer": self.no_answer,
        }
        return {name: round(count / self.seconds, 1) for name, count in counts.items()}


class Overload:
    """Sends a request at a rate.

    Args:
        port: of the server.
        content: the bytes of the request.
        rate: requests a second.
    """

    def __init__(self, port: int, content: bytes, rate: float) -> None:
        self.port, self.content, self.rate = port, content, rate
        self.connections = min(MOST_CONNECTIONS, math.ceil(rate * TIMEOUT_SECONDS))
        self.outcome = Outcome()
        self._idle: deque[Connection] = deque()
        self._waiting: deque[tuple[float, Connection, int]] = deque()
        self._opening: set[asyncio.Task[None]] = set()
        self._counting, self._stopped = False, False

    async def run(self, seconds: float) -> Outcome:
        """Load the server for the warm-up and these seconds."""
        for _ in range(0, self.connections, OPENED_AT_A_TIME):
            await asyncio.gather(*(self._open() for _ in range(OPENED_AT_A_TIME)))
        await self._send_for(WARM_SECONDS)
        self._counting = True
        self.outcome.seconds = await self._send_for(seconds)
        self._counting, self._stopped = False, True
        for connection in [*self._idle, *(waiting for _, waiting, _ in self._waiting)]:
            connection.end()
        for task in self._opening:
            task.cancel()
        await asyncio.gather(*self._opening, return_exceptions=True)
        return self.outcome

    async def _send_for(self, seconds: float) -> float:
        """Send by the clock; returns the seconds that it took."""
        begun, sent = perf_counter(), 0
        while (now := perf_counter()) < begun + seconds:
            due = int((now - begun) * self.rate)
            for _ in range(due - sent):
                self._send(now)
            sent = due
            self._give_up(now)
            await asyncio.sleep(TICK_SECONDS)
        return perf_counter() - begun

    def _send(self, now: float) -> None:
        self.outcome.due += self._counting
        while self._idle:
            connection = self._idle.popleft()
            if connection.open:
                connection.sent_at = now
                connection.send(self.content, self._answered)
                self._waiting.append((now, connection, connection.serial))
                return
        self.outcome.no_connection += self._counting

    def _give_up(self, now: float) -> None:
        """End the connections whose time is over."""
        while self._waiting and self._waiting[0][0] < now - TIMEOUT_SECONDS:
            _, connection, serial = self._waiting.popleft()
            if connection.busy and connection.serial == serial:
                connection.end()

    def _answered(self, connection: Connection, answer: Answer | None) -> None:
        if self._counting:
            self._count(answer, perf_counter() - connection.sent_at)
        if answer is not None and connection.open:
            self._idle.append(connection)
        else:
            self._reopen(connection)

    def _count(self, answer: Answer | None, seconds: float) -> None:
        if answer is None:
            self.outcome.no_answer += 1
            return
        self.outcome.statuses[answer.status] += 1
        self.outcome.in_time += answer.status == 200 and seconds <= TIMEOUT_SECONDS
        self.outcome.silent_refusals += answer.status == 503 and answer.header("Retry-After") is None

    def _reopen(self, _: Connection) -> None:
        if not self._stopped:
            task = asyncio.ensure_future(self._open())
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)

    async def _open(self) -> None:
        while not self._stopped:
            try:
                self._idle.append(await connect(self.port, self._reopen))
            except OSError:  # refused, as the backlog is full; the next try may be taken
                await asyncio.sleep(0.05)
            else:
                return


def overload(port: int, content: bytes, rate: float, seconds: float) -> Outcome:
    """Load a server at a rate for some seconds."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(Overload(port, content, rate).run(seconds))
