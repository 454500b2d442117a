"""A head that was parsed before is not parsed again, and nothing else changes by that."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import httptools
import pytest

from app.main import Application, create_app
from app.settings import Settings
from app.transport import known_heads
from app.transport.framing import BoundedFraming
from app.transport.known_heads import FastPathHead, KnownHeads
from tests.app.raw_http import post, predict_body, without_body
from tests.app.transport.wire import Wire

BODY = predict_body([3, 4])
KNOWN = post(BODY)
END = len(KNOWN) - len(BODY)
HEAD = KNOWN[:END]
OTHER = post(predict_body([5, 4]))  # with the same head
KEYED = post(BODY, "X-API-Key: secret")

PACKETS: dict[str, list[bytes]] = {
    "again": [KNOWN, OTHER],
    "two-in-a-packet": [KNOWN + OTHER],
    "three-in-a-packet": [KNOWN + OTHER + KNOWN, OTHER],
    "one-and-a-half": [KNOWN + HEAD, BODY],
    "head-alone": [HEAD, BODY],
    "body-in-two": [KNOWN[:-9], KNOWN[-9:]],
    "body-longer-than-declared": [KNOWN + b"x"],
    "line-end-behind": [KNOWN + b"\r\n", OTHER],
    "line-ends-before": [b"\r\n\r\n" + KNOWN, OTHER],
    "line-end-alone": [b"\r\n", KNOWN],
    "half-a-line-end-alone": [b"\r", KNOWN],
    "body-with-an-empty-line": [post(BODY + b"\r\n\r\n"), post(b"\r\n\r\n" + BODY), post(BODY + b"\r\n\r\n")],
    "body-that-is-a-request": [post(KNOWN), post(KNOWN), KNOWN],
    "body-that-begins-with-a-head": [post(HEAD + BODY), post(HEAD + BODY)],
    "shorter-body-with-the-same-head": [KNOWN[:-1], b"}" + KNOWN],
    "close": [KNOWN, post(BODY, "Connection: close")],
    "close-after-a-known-one-in-a-packet": [KNOWN + post(BODY, "Connection: close")],
    "http-1.0": [post(BODY, version="1.0")],
    "http-1.0-kept": [post(BODY, "Connection: keep-alive", version="1.0")] * 2,
    "expect": [post(BODY, "Expect: 100-continue")[: -len(BODY)], BODY, KNOWN],
    "chunked": [post(b"", "Transfer-Encoding: chunked", length=False) + b"%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY)]
    * 2,
    "chunked-with-a-known-head-in-a-chunk": [
        KNOWN,
        post(b"", "Transfer-Encoding: chunked", length=False) + b"%x\r\n" % len(KNOWN),
        KNOWN,
        b"\r\n0\r\n\r\n",
        KNOWN,
    ],
    "length-and-chunked": [post(BODY, "Transfer-Encoding: chunked"), KNOWN],
    "two-lengths": [post(BODY, "Content-Length: 1")],
    "gzip": [post(gzip.compress(BODY, mtime=0), "Content-Encoding: gzip")] * 2,
    "get-between": [KNOWN, without_body("GET", "/health/live"), KNOWN],
    "get-before-in-a-packet": [without_body("GET", "/health/live") + KNOWN, KNOWN],
    "invalid-body": [post(b"{}"), post(b"[]"), post(b"{}")],
    "bare-line-feeds": [KNOWN.replace(b"\r\n", b"\n")] * 2,
    "bare-line-feed-in-a-value": [post(BODY, "X: a\nContent-Length: 5")] * 2,
    "named-by-the-client": [post(BODY, "X-Request-ID: a"), post(BODY, "X-Request-ID: a")],
    "traced": [post(BODY, "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")] * 2,
    "upgrade": [post(BODY, "Connection: Upgrade", "Upgrade: websocket")] * 2,
}


@asynccontextmanager
async def running(root: Path, **settings: Any) -> AsyncIterator[Application]:
    app: Any = create_app(Settings(repository=root, repository_poll_seconds=0, threads=1, **settings))
    async with app.router.lifespan_context(app):
        while not app.state.service.ready:  # noqa: ASYNC110 - in another thread
            await asyncio.sleep(0.002)
        await Wire(app).send(KNOWN)  # the model's first computation runs in a thread
        app.known_heads.clear()
        yield app


def run(root: Path, check: Callable[[Application], Awaitable[None]], **settings: Any) -> None:
    async def checked() -> None:
        async with running(root, **settings) as app:
            await check(app)

    asyncio.run(checked())


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What the parser is given."""
    given: list[bytes] = []
    feed = BoundedFraming._feed
    monkeypatch.setattr(BoundedFraming, "_feed", lambda self, piece: given.append(piece) or feed(self, piece))
    return given


def test_packets_are_answered_alike_whether_or_not_their_heads_are_known_and_as_uvicorn_answers(root: Path) -> None:
    async def check(app: Application) -> None:
        for name, packets in PACKETS.items():
            app.known_heads.clear()
            with Wire(app) as wire:
                expected, closed = await wire.send(*packets), wire.transport.closed
            for packet in (KNOWN, *packets):  # now all that can be known are
                with Wire(app) as wire:
                    await wire.send(packet)
            with Wire(app) as wire:
                assert await wire.send(*packets) == expected, name
                assert wire.transport.closed == closed, name
            # uvicorn answers malformed requests in words of its own, and offers of a websocket not at all
            if name != "upgrade" and all(answer.status != 400 for answer in expected):
                with Wire(app, "uvicorn") as wire:
                    assert await wire.send(*packets) == expected, name
            assert expected, name

    run(root, check)


def test_a_known_request_cut_at_any_byte_is_answered_once(root: Path) -> None:
    async def check(app: Application) -> None:
        wire = Wire(app)
        (expected,) = await wire.send(KNOWN)
        assert expected.predictions() == [[7.0]]
        for cut in range(1, len(KNOWN)):
            assert await wire.send(KNOWN[:cut], KNOWN[cut:]) == [expected], cut
            assert await wire.send(KNOWN[:cut], KNOWN[cut:] + KNOWN) == [expected] * 2, cut
            assert await wire.send(KNOWN + KNOWN[:cut], KNOWN[cut:]) == [expected] * 2, cut

    run(root, check)


def test_only_the_first_of_equal_heads_is_parsed_whatever_connection_it_comes_on(
    root: Path, parsed: list[bytes]
) -> None:
    async def check(app: Application) -> None:
        wire = Wire(app)
        parsed.clear()
        answers = [*await wire.send(KNOWN), *await wire.send(OTHER), *await Wire(app).send(KNOWN)]
        assert [answer.predictions() for answer in answers] == [[[7.0]], [[9.0]], [[7.0]]]
        assert parsed == [KNOWN]

    run(root, check)


def test_a_known_head_lets_no_revoked_key_in_and_counts_against_the_rate(root: Path, tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text(f"a {sha256(b'secret').hexdigest()}\nb {sha256(b'other').hexdigest()}\n")

    async def check(app: Application) -> None:
        access = app.state.service.access
        wire = Wire(app)
        assert [(await wire.send(KEYED))[0].status for _ in range(4)] == [200, 200, 200, 429]
        assert KEYED[: -len(BODY)] in app.known_heads
        keys.write_text(f"b {sha256(b'other').hexdigest()}\n")
        access.keys.reload()
        assert [(await each.send(KEYED))[0].status for each in (wire, Wire(app))] == [401, 401]

    run(root, check, api_keys_file=keys, rate_limit="3/h")


def test_a_known_request_is_counted_logged_and_ends_its_connection_when_the_service_stops(root: Path) -> None:
    async def check(app: Application) -> None:
        service, wire = app.state.service, Wire(app)
        for _ in range(3):
            await wire.send(KNOWN)
        service.metrics.flush()
        counted = service.metrics.registry.get_sample_value
        labels = {"route": "/predict/arithmetic", "status": "200"}
        assert counted("nalu_requests_total", labels) == 4  # and the one before the test
        assert counted("nalu_request_seconds_count", {"route": "/predict/arithmetic"}) == 4
        assert counted("nalu_decode_seconds_count", {"route": "/predict/arithmetic"}) == 4
        service.draining = True
        (answer,) = await wire.send(KNOWN)
        assert (answer.status, answer.header("connection"), wire.transport.closed) == (200, "close", True)

    run(root, check)


def test_a_known_request_has_its_deadline_and_is_dropped_when_its_client_goes(root: Path) -> None:
    async def check(app: Application) -> None:
        service, wire = app.state.service, Wire(app)
        await wire.send(KNOWN)
        service.batching.submit = lambda *_: None  # never computed
        wire.protocol.data_received(KNOWN)
        (context,) = service.requests_in_flight
        context.started -= 1000
        await service.expire_requests()
        assert b" 503 " in wire.transport.written
        assert not service.requests_in_flight
        wire.protocol.data_received(KNOWN)
        (context,) = service.requests_in_flight
        wire.protocol.connection_lost(ConnectionResetError())
        assert context.is_disconnected()

    run(root, check)


def test_a_known_request_read_too_late_or_on_a_connection_too_many_is_rejected(root: Path) -> None:
    async def check(app: Application) -> None:
        wire = Wire(app)
        await wire.send(KNOWN)
        wire.transport.written = b""
        wire.protocol.take(KNOWN, -1000.0)
        assert b"seconds to be read" in wire.transport.written
        wire = Wire(app)
        wire.protocol.within_limit = False
        assert [answer.status for answer in await wire.send(KNOWN)] == [503]

    run(root, check)


def test_a_known_request_to_a_client_that_does_not_read_waits(root: Path, parsed: list[bytes]) -> None:
    async def check(app: Application) -> None:
        wire = Wire(app)
        await wire.send(KNOWN)
        wire.protocol.pause_writing()
        parsed.clear()
        wire.protocol.data_received(KNOWN)
        assert parsed == [KNOWN]  # uvicorn's way, which waits
        wire.protocol.resume_writing()
        await wire.send()

    run(root, check)


def head(data: bytes) -> FastPathHead:
    """What the parser makes of a head."""
    headers: list[tuple[bytes, bytes]] = []

    class Collector:
        def on_header(self, name: bytes, value: bytes) -> None:
            headers.append((name.lower(), value))

    httptools.HttpRequestParser(Collector()).feed_data(data)
    return FastPathHead(headers, "/predict/arithmetic", 2**20)


@pytest.mark.parametrize(
    "data",
    [
        KNOWN + b"\r\n",
        b"\r\n" + KNOWN,
        KNOWN + KNOWN,
        post(BODY, "X-Request-ID: a"),
        post(BODY, "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
        post(BODY, "X: " + "a" * known_heads.MAX_BYTES),
    ],
)
def test_heads_that_will_not_come_again_or_whose_end_is_not_sure_are_not_remembered(data: bytes) -> None:
    heads = KnownHeads()
    heads.learn(data, data.find(b"\r\n\r\n") + 4, head(data))
    assert not heads


def test_a_bounded_number_of_heads_is_remembered() -> None:
    heads = KnownHeads()
    for number in range(3 * known_heads.MAX_HEADS):
        data = post(BODY, f"X: {number}")
        heads.learn(data, len(data) - len(BODY), head(data))
        assert 0 < len(heads) <= known_heads.MAX_HEADS


def test_another_application_does_not_know_the_heads(root: Path) -> None:
    assert create_app(Settings(repository=root)).known_heads is not create_app(Settings(repository=root)).known_heads  # type: ignore[attr-defined]
