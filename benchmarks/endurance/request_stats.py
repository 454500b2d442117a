"""Statistics of the requests: responses and latencies by kind, wrong responses, and the rules that are broken."""

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterator

from benchmarks.endurance.workload import CheckedRequest
from benchmarks.serving.http_client import Answer

SHOWN = 10
"""Wrong answers, and missing ones, that are shown in full."""
MEMORY_GROWTH = 1.05
"""Most memory at the end, divided by that after the first minute."""


class RequestStats:
    """Counts of everything that was answered."""

    def __init__(self) -> None:
        self.statuses: defaultdict[str, Counter[int]] = defaultdict(Counter)
        self.milliseconds: defaultdict[str, array[float]] = defaultdict(lambda: array("f"))
        self.wrong: list[str] = []
        self.unanswered: list[str] = []
        self.no_answer: Counter[str] = Counter()
        self.dropped: Counter[str] = Counter()

    @property
    def answered(self) -> int:
        """Requests with a whole answer."""
        return sum(counts.total() for counts in self.statuses.values())

    def record(self, request: CheckedRequest, answer: Answer | None, seconds: float) -> None:
        """Count and check one response; None if it was incomplete."""
        if answer is None:
            self.no_answer[request.kind] += 1
            self.unanswered.append(f"{request.kind}: the connection ended after {seconds:.1f} s without an answer")
            return
        self.statuses[request.kind][answer.status] += 1
        self.milliseconds[request.kind].append(seconds * 1e3)
        problem = problem_of(request, answer)
        if problem is not None:
            self.wrong.append(f"{request.kind}: {problem}")

    def status_count(self, *statuses: int) -> int:
        """Answers with one of these statuses."""
        return sum(counts[status] for counts in self.statuses.values() for status in statuses)

    def server_errors(self) -> int:
        """Answers with 5xx other than 503."""
        found = {status for counts in self.statuses.values() for status in counts}
        return self.status_count(*(status for status in found if status >= 500 and status != 503))

    def table(self) -> Iterator[str]:
        """One line a kind, refused ones together."""
        yield f"{'':14}{'answers':>10}{'503':>8}{'none':>6}{'p50 ms':>9}{'p99 ms':>9}"
        for title in sorted({_group(kind) for kind in {*self.statuses, *self.no_answer}}):
            kinds = [kind for kind in {*self.statuses, *self.no_answer} if _group(kind) == title]
            counts = sum((self.statuses[kind] for kind in kinds), Counter())
            none = sum(self.no_answer[kind] for kind in kinds)
            taken = sorted(value for kind in kinds for value in self.milliseconds[kind])
            p50, p99 = percentile(taken, 0.5), percentile(taken, 0.99)
            yield f"{title:14}{counts.total():10,}{counts[503]:8,}{none:6,}{p50:9.1f}{p99:9.1f}"
        dropped = ", ".join(f"{count:,} {what}" for what, count in self.dropped.items())
        yield f"clients that left: {dropped or 'none'}"

    def broken_rules(self) -> list[str]:
        """A sentence for each rule that does not hold."""
        rules = {
            f"{len(self.wrong)} answers are wrong": len(self.wrong),
            f"{self.server_errors()} answers are 5xx other than 503": self.server_errors(),
            f"{self.no_answer.total()} requests got no answer": self.no_answer.total(),
        }
        return [sentence for sentence, count in rules.items() if count]


def problem_of(request: CheckedRequest, answer: Answer) -> str | None:
    """Why a response is wrong; None if it is right."""
    if answer.status == 503:
        return None if answer.header("Retry-After") else "503 without Retry-After"
    if answer.status not in request.statuses:
        return f"status {answer.status} instead of {request.statuses}: {answer.body[:200]!r}"
    if answer.status != 200:
        return None
    try:
        return request.check(answer)
    except Exception as error:  # an answer of any other shape is wrong, whatever the check stumbles over
        return f"{type(error).__name__}: {error}; {answer.body[:200]!r}"


def percentile(ordered: list[float], share: float) -> float:
    """The value that this share of the ordered values does not exceed; 0 where there is none."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def _group(kind: str) -> str:
    return kind.partition(":")[0]
