"""The profile of a request adds up, and its page is in the form that the command writes."""

import asyncio
from pathlib import Path

from benchmarks.request_path.__main__ import BETWEEN, BODIES, KERNEL, PARSING, TOTAL, measure, render
from benchmarks.request_path.connections import Connections, request, running
from benchmarks.request_path.parts import PARTS
from tests.end_to_end.server import ROOT


def test_every_request_on_a_connection_without_a_socket_is_answered_and_its_head_parsed_once() -> None:
    async def run() -> None:
        async with running(ROOT / "repository") as app:
            connections, data = Connections(app), request(BODIES["one row"])
            assert await connections.seconds(data, 3) > 0
            assert len(app.known_heads) == 1
            measured = await measure(app, BODIES["100 rows"], repeats=64)
            assert all(measured[part] > 0 for part in PARTS)
            assert measured.keys() == {*PARTS, BETWEEN, PARSING}

    asyncio.run(run())


def test_the_page_s_parts_add_up_to_the_whole() -> None:
    parts = dict.fromkeys([*PARTS, BETWEEN], 2.0)
    page = render({"one row": {**parts, TOTAL: 20.0, KERNEL: 5.0, PARSING: 9.0}})
    lines = page.partition("| --- | --- |\n")[2].splitlines()
    shown = [float(line.rsplit("| ", 1)[1].rstrip(" |")) for line in lines]
    whole, *others, parsing = shown
    assert (whole, sum(others), parsing) == (20.0, 20.0, 9.0)


def test_the_committed_page_names_every_part() -> None:
    page = Path(ROOT / "docs/results/request-path.md").read_text(encoding="utf-8")
    assert all(f"| {title} | " in page for title in [TOTAL, KERNEL, BETWEEN, *PARTS.values()])
