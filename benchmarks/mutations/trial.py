"""Sends mutated files through POST /predict/image and the reader of training, in one process."""

import asyncio
import ctypes
import gc
import json
import resource
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import httpx

from app.main import create_app
from app.settings import Settings
from benchmarks.mutations.mutate import mutated
from benchmarks.mutations.samples import samples
from training.data.image_files import BadImageError, ImageReader, quiet_pillow

ROOT = Path(__file__).parents[2]
MODEL = "digit"
READER = ImageReader("L", 28, resized=True)
START_SECONDS = 60
PAGE_BYTES = resource.getpagesize()


class Case(NamedTuple):
    """One mutated file; its number, with the seed, makes it again."""

    number: int
    kind: str
    content: bytes


@dataclass
class Outcome:
    """What happened to all cases.

    Args:
        statuses: of the service, counted by format.
        trained: how many files the reader of training took, by format.
        disagreements: numbers of cases that only one of the two took.
        slowest: seconds of the slowest request, with its format and number.
        resident: megabytes of memory at ten points, evenly spaced, see ``resident_megabytes``.
        peak: most megabytes of memory at any time.
    """

    statuses: dict[str, Counter[str]] = field(default_factory=dict)
    trained: Counter[str] = field(default_factory=Counter)
    disagreements: list[int] = field(default_factory=list)
    slowest: tuple[float, str, int] = (0.0, "", 0)
    resident: list[int] = field(default_factory=list)
    peak: int = 0

    def write(self, file: Path) -> None:
        """Write all of it as JSON."""
        file.write_text(json.dumps(vars(self)), encoding="utf-8")


def cases(number: int, seed: int) -> Iterator[Case]:
    """The cases, format after format in turns."""
    valid = samples()
    kinds = list(valid)
    for index in range(number):
        kind = kinds[index % len(kinds)]
        files = valid[kind]
        yield Case(index, kind, mutated(files[index // len(kinds) % len(files)], f"{seed} {index}"))


@asynccontextmanager
async def service() -> AsyncIterator[httpx.AsyncClient]:
    """A client of the service in this process, on the default models; a 500 raises what caused it."""
    app = create_app(Settings(repository=ROOT / "repository", repository_poll_seconds=0, threads=1))
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://service", timeout=None) as client,
    ):
        async with asyncio.timeout(START_SECONDS):
            while (await client.get("/health/ready")).status_code != 200:  # noqa: ASYNC110 - it is what a probe does
                await asyncio.sleep(0.01)
        yield client


async def run(number: int, seed: int, on_case: Callable[[str], object] = str) -> Outcome:
    """Send cases.

    Args:
        number: of cases.
        seed: of all of them.
        on_case: called with the name of each case before it is tried.
    """
    outcome = Outcome()
    async with service() as client:
        with quiet_pillow():
            for case in cases(number, seed):
                on_case(f"case {case.number} of seed {seed}, {case.kind}")
                await _try(client, case, outcome)
                if case.number % max(1, number // 10) == number // 20:
                    outcome.resident.append(resident_megabytes())
    outcome.peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return outcome


async def _try(client: httpx.AsyncClient, case: Case, outcome: Outcome) -> None:
    started = time.perf_counter()
    response = await client.post("/predict/image", data={"model": MODEL}, files={"files": ("file", case.content)})
    outcome.slowest = max(outcome.slowest, (round(time.perf_counter() - started, 3), case.kind, case.number))
    outcome.statuses.setdefault(case.kind, Counter())[str(response.status_code)] += 1
    try:
        READER.decode(case.content)
    except BadImageError:
        taken = False
    else:
        taken = True
        outcome.trained[case.kind] += 1
    if taken != (response.status_code == 200) and response.status_code != 413:  # only the service limits pixels
        outcome.disagreements.append(case.number)


def resident_megabytes() -> int:
    """Memory of this process that is in RAM, without what the allocator keeps for the next image."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * PAGE_BYTES // 2**20
