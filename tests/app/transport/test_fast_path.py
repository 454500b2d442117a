"""The fast path answers as uvicorn's own way does, over raw sockets."""

import json
import logging
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from app.transport import fast_path
from tests.app.factory import wait_until, write_image, write_sum
from tests.app.images import grey
from tests.app.wire import PATH, PROTOCOLS, Answer, HeldModel, Live, Wire, listening, post, predict_body

BODY = predict_body([3, 4])
LATE = "The request's body had not come within 1 seconds, which is the limit; send it faster or in parts."


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("repository")
    write_sum(root)
    write_image(root, "brightness", "brightness")
    return root


@pytest.fixture(scope="module")
def services(root: Path) -> Iterator[dict[str, Live]]:
    """The same service twice: as it is, and on uvicorn's own protocol."""
    with listening(root, "fast_path") as fast, listening(root, "uvicorn") as normal:
        yield {"fast_path": fast, "uvicorn": normal}


@pytest.fixture(params=PROTOCOLS)
def protocol_name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def live(services: dict[str, Live], protocol_name: str) -> Live:
    return services[protocol_name]


def predictions(answer: Answer) -> Any:
    assert answer.status == 200, answer.body[:300]
    return json.loads(answer.body)["predictions"]


def hold(live: Live) -> HeldModel:
    model = live.service.repository.get("sum")
    model.predict = held = HeldModel()
    live.service.batching._batchers.pop(model, None)  # they would go on with the model's own predictor
    return held


def form(image: bytes) -> bytes:
    part = 'Content-Disposition: form-data; name="{}"'
    head = f"--cut\r\n{part.format('model')}\r\n\r\nbrightness\r\n--cut\r\n{part.format('files')}; filename=a\r\n\r\n"
    return head.encode() + image + b"\r\n--cut--\r\n"


def plain(method: str, path: str = PATH, *headers: str) -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: here", *headers, "", ""]).encode()


CHUNKS = b"%x\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n" % (7, BODY[:7], len(BODY) - 7, BODY[7:])
FORM_TYPE = "Content-Type: multipart/form-data; boundary=cut"
H2C = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQBAAAAAAIAAAAA")
REQUESTS: dict[str, tuple[int, bytes]] = {
    "plain": (200, post(BODY)),
    "http-1.0": (200, post(BODY, version="1.0")),
    "http-1.0-keep-alive": (200, post(BODY, "Connection: keep-alive", version="1.0")),
    "connection-close": (200, post(BODY, "Connection: close")),
    "chunked": (200, post(b"", "Transfer-Encoding: chunked", length=False) + CHUNKS),
    "65536-bytes": (200, post(predict_body([3, 4], length=65_536))),
    "65537-bytes": (200, post(predict_body([3, 4], length=65_537))),
    "a-million-bytes": (200, post(predict_body([3, 4], length=1_000_000))),
    "wrong-width": (422, post(predict_body([3, 4, 5]))),
    "nan": (422, post(b'{"model": "sum", "inputs": [[1, NaN]]}')),
    "too-large-number": (422, post(b'{"model": "sum", "inputs": [[1, 1e999]]}')),
    "number-as-text": (422, post(b'{"model": "sum", "inputs": [[1, "1.5"]]}')),
    "no-json": (422, post(b"{")),
    "no-utf8": (422, post(b'{"model": "\xff"}')),
    "too-deep": (422, post(b"[" * 1000)),
    "unknown-model": (404, post(predict_body([3, 4], model="nobody"))),
    "images-wanted": (422, post(predict_body([3, 4], model="brightness"))),
    "no-length": (422, post(b"", length=False)),
    "length-0": (422, post(b"")),
    "two-equal-lengths": (400, post(BODY, f"Content-Length: {len(BODY)}")),
    "two-lengths": (400, post(BODY, "Content-Length: 1")),
    "list-of-lengths": (400, post(BODY, f"Content-Length: {len(BODY)}, {len(BODY)}", length=False)),
    "negative-length": (400, post(BODY, "Content-Length: -1", length=False)),
    "endless-length": (400, post(BODY, "Content-Length: " + "9" * 5000, length=False)),
    "length-and-chunked": (400, post(CHUNKS, "Transfer-Encoding: chunked")),
    "HEAD": (405, plain("HEAD")),
    "GET": (405, plain("GET")),
    "OPTIONS": (405, plain("OPTIONS")),
    "DELETE": (405, plain("DELETE")),
    "get-with-body": (405, post(BODY).replace(b"POST", b"GET")),
    "query": (200, post(BODY, path=PATH + "?x=1")),
    "absolute-form": (200, post(BODY, path="http://here" + PATH)),
    "percent": (200, post(BODY, path="/predict/%61rithmetic")),
    "slash": (307, post(BODY, path=PATH + "/")),
    "slashes": (404, post(BODY, path="/" + PATH)),
    "lower-case-names": (200, post(BODY).replace(b"Host", b"host").replace(b"Content-Length", b"content-length")),
    "upper-case-names": (200, post(BODY).replace(b"Host", b"HOST").replace(b"Content-Length", b"CONTENT-LENGTH")),
    "other-type": (200, post(BODY, "Content-Type: application/x-www-form-urlencoded")),
    # uvicorn does not upgrade, and its parser takes what follows for the other protocol's: the request has no body
    "upgrade-to-http2": (422, post(BODY, *H2C)),
    "upgrade-to-websocket": (422, post(BODY, "Connection: Upgrade", "Upgrade: websocket")),
    "many-headers": (200, post(BODY, *[f"X-{index}: {index}" for index in range(90)])),
    "image": (200, post(form(grey(7)), FORM_TYPE, path="/predict/image")),
    "broken-image": (415, post(form(grey(7)[:40]), FORM_TYPE, path="/predict/image")),
    "no-form": (422, post(BODY, path="/predict/image")),
    "get-image": (405, plain("GET", "/predict/image")),
    "live": (200, plain("GET", "/health/live")),
}


def comparable(answer: Answer) -> tuple[int, list[tuple[str, str]], bytes]:
    """An answer without what differs from one request to the next."""
    headers = [(name, value) for name, value in answer.headers if name not in ("date", "x-request-id")]
    if answer.status != 400:
        assert answer.header("date")
        assert re.fullmatch("[0-9a-f]{16}", answer.header("x-request-id") or "")
    return answer.status, headers, re.sub(rb'"request_id":"[0-9a-f]{16}"', b"", answer.body)


@pytest.mark.parametrize("name", REQUESTS)
def test_a_request_is_answered_alike_on_both_protocols_and_the_connection_ends_alike(
    services: dict[str, Live], name: str
) -> None:
    status, request = REQUESTS[name]
    answers, follow = [], []
    for live in services.values():
        with Wire(live.port) as wire:
            answer = wire.send(request).answer(request.partition(b" ")[0].decode())
            answers.append(comparable(answer))
            if answer.header("connection") == "close" or name.startswith("upgrade"):
                follow.append((answer.header("connection"), answer.header("connection") == "close" and wire.ends()))
            else:
                follow.append(predictions(wire.send(post(predict_body([1, 1]))).answer()))
    assert answers[0] == answers[1]
    assert answers[0][0] == status
    assert follow[0] == follow[1]
    assert follow[0] in ([[2.0]], ("close", True), (None, False))


def test_expect_100_continue_is_answered_before_the_body_is_sent(live: Live) -> None:
    request = post(BODY, "Expect: 100-continue")
    with Wire(live.port) as wire:
        assert wire.send(request[: -len(BODY)]).answer().status == 100
        assert predictions(wire.send(BODY).answer()) == [[7.0]]


@pytest.mark.parametrize("size", [1, 7, 64])
def test_a_request_in_packets_of_any_size_is_answered(live: Live, size: int) -> None:
    request = post(BODY)
    packets = [request[start : start + size] for start in range(0, len(request), size)]
    with Wire(live.port) as wire:
        assert predictions(wire.send(*packets).answer()) == [[7.0]]
        assert predictions(wire.send(*packets).answer()) == [[7.0]]


def test_requests_in_one_packet_are_answered_in_their_order(live: Live) -> None:
    wanted: list[tuple[str, bytes]] = [
        ("a", post(predict_body([1, 1]), "X-Request-ID: a")),
        ("b", plain("GET", "/health/live", "X-Request-ID: b")),
        ("c", post(predict_body([1, 2]), "X-Request-ID: c")),
        ("d", post(b"{", "X-Request-ID: d")),
        ("e", post(predict_body([1, 3]), "X-Request-ID: e")),
    ]
    with Wire(live.port) as wire:
        wire.send(b"".join(request for _, request in wanted))
        answers = [wire.answer() for _ in wanted]
    assert [answer.header("x-request-id") for answer in answers] == ["a", "b", "c", "d", "e"]
    assert [answer.status for answer in answers] == [200, 200, 200, 422, 200]
    assert [predictions(answers[index]) for index in (0, 2, 4)] == [[[2.0]], [[3.0]], [[4.0]]]


def test_three_predictions_in_one_packet_are_answered_in_their_order(live: Live) -> None:
    with Wire(live.port) as wire:
        wire.send(b"".join(post(predict_body([number, 0])) for number in range(3)))
        assert [predictions(wire.answer()) for _ in range(3)] == [[[0.0]], [[1.0]], [[2.0]]]


def test_a_request_that_comes_while_the_one_before_is_computed_waits_for_its_turn(
    root: Path, protocol_name: str
) -> None:
    with listening(root, protocol_name) as live, Wire(live.port) as wire:
        held = hold(live)
        wire.send(post(predict_body([1, 1])))
        assert held.entered.wait(5)
        wire.send(plain("GET", "/health/live"), post(predict_body([2, 2])))
        with Wire(live.port) as other:  # it is not the service that waits
            assert other.send(plain("GET", "/health/live")).answer().status == 200
        assert held.sizes == [1]
        held.release.set()
        first, second, third = (wire.answer() for _ in range(3))
    assert (predictions(first), second.body, predictions(third)) == ([[2.0]], b'{"live":true}', [[4.0]])


def test_the_requests_that_the_fast_path_is_for_take_it(
    services: dict[str, Live], monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[str] = []
    start = fast_path.FastPathCycle.start
    monkeypatch.setattr(
        fast_path.FastPathCycle, "start", lambda self: taken.append(self.context.request_id) or start(self)
    )
    image = post(form(grey(7)), FORM_TYPE, "X-Request-ID: image", path="/predict/image")
    for request in (post(BODY, "X-Request-ID: row"), image, post(BODY, "X-Request-ID: q", path=PATH + "?x=1")):
        with Wire(services["fast_path"].port) as wire:
            assert wire.send(request).answer().status == 200
    assert taken == ["row", "image"]


def test_a_client_that_goes_while_it_sends_is_counted_and_forgotten_at_once(live: Live) -> None:
    before = live.counted(status="499")
    with Wire(live.port) as wire:
        wire.send(post(BODY)[:-5])
        wait_until(lambda: live.service.requests_in_flight)
    wait_until(lambda: not live.service.requests_in_flight)
    assert live.counted(status="499") == before + 1


def test_a_client_that_has_gone_costs_no_computation_and_its_rows_leave_the_count(
    root: Path, protocol_name: str
) -> None:
    with listening(root, protocol_name, max_concurrent_batches=1) as live:
        held = hold(live)
        with Wire(live.port) as patient:
            patient.send(post(predict_body([1, 1])))
            assert held.entered.wait(5)
            with Wire(live.port) as hasty:
                hasty.send(post(predict_body([5, 5], [5, 5], [5, 5])))
                wait_until(lambda: live.service.batching.queue_limiter.rows == 4)
            wait_until(lambda: len(live.server.server_state.connections) == 1)
            time.sleep(0.05)  # who has waited less than 10 ms is not asked whether he is still there
            held.release.set()
            assert predictions(patient.answer()) == [[2.0]]
        wait_until(lambda: live.service.batching.queue_limiter.rows == 0 and not live.service.requests_in_flight)
        assert held.sizes == [1]
        assert live.counted(status="499") == 1
        assert live.counted(status="200") == 1
        assert live.counted(status="0") == 0


def test_a_client_that_goes_while_it_is_answered_harms_nobody(live: Live) -> None:
    large = post(predict_body(*[[1, 1]] * 5000))
    for _ in range(5):
        with Wire(live.port) as wire:
            wire.send(large, large)
    with Wire(live.port) as wire:
        assert predictions(wire.send(post(BODY)).answer()) == [[7.0]]
    wait_until(lambda: not live.service.requests_in_flight and not live.service.batching.queue_limiter.rows)


def test_a_client_that_reads_nothing_is_not_answered_into_memory_without_end(root: Path, protocol_name: str) -> None:
    enough = 2_000_000
    with listening(root, protocol_name) as live, Wire(live.port, receive_buffer=4096) as wire:
        wire.socket.settimeout(1)
        with suppress(TimeoutError):
            wire.send(post(predict_body([1, 1])) * 30_000)  # whose answers have 12 MB
        wait_until(lambda: live.server.server_state.connections)
        protocol = next(iter(live.server.server_state.connections))
        wait_until(lambda: protocol.pipeline or protocol.transport.get_write_buffer_size() > enough)
        assert protocol.transport.get_write_buffer_size() < enough
        with Wire(live.port) as other:
            assert predictions(other.send(post(BODY)).answer()) == [[7.0]]


def test_a_connection_whose_client_does_not_read_gets_no_answer_written_before_it_does(live: Live) -> None:
    before = set(live.server.server_state.connections)
    with Wire(live.port) as wire:
        assert predictions(wire.send(post(BODY)).answer()) == [[7.0]]
        (protocol,) = set(live.server.server_state.connections) - before
        protocol.loop.call_soon_threadsafe(protocol.flow.pause_writing)  # as its transport does
        wait_until(lambda: protocol.flow.write_paused)
        wire.send(post(BODY))
        wait_until(lambda: live.service.requests_in_flight)
        with Wire(live.port) as other:
            assert predictions(other.send(post(BODY)).answer()) == [[7.0]]
        assert not protocol.cycle.response_complete
        protocol.loop.call_soon_threadsafe(protocol.flow.resume_writing)
        assert predictions(wire.answer()) == [[7.0]]


def test_a_client_that_went_while_its_next_request_waited_harms_no_other_of_its_batch(
    root: Path, protocol_name: str
) -> None:
    with listening(root, protocol_name, max_concurrent_batches=1) as live:
        held = hold(live)
        with Wire(live.port) as first, Wire(live.port) as other:
            first.send(post(predict_body([1, 1])))
            assert held.entered.wait(5)
            with Wire(live.port) as hasty:
                hasty.send(post(predict_body([2, 2])) * 2)
                wait_until(lambda: live.service.batching.queue_limiter.rows == 2)
                other.send(post(predict_body([3, 3])))
                wait_until(lambda: live.service.batching.queue_limiter.rows == 3)
            held.release.set()
            assert predictions(first.answer()) == [[2.0]]
            assert predictions(other.answer()) == [[6.0]]
        wait_until(lambda: live.service.batching.queue_limiter.rows == 0 and not live.service.requests_in_flight)


@pytest.mark.parametrize("sent", [0, -3], ids=["headers-only", "all-but-three-bytes"])
def test_a_body_that_never_comes_ends_with_408_and_the_connection(root: Path, protocol_name: str, sent: int) -> None:
    with listening(root, protocol_name, request_timeout_seconds=1) as live, Wire(live.port) as wire:
        request = post(BODY)
        wire.send(request[: len(request) - len(BODY)] if sent == 0 else request[:sent])
        answer = wire.answer()
        assert answer.status == 408
        assert json.loads(answer.body)["detail"] == LATE
        assert answer.header("connection") == "close"
        assert wire.ends()
        wait_until(lambda: not live.service.requests_in_flight)
        assert live.counted(status="408") == 1
        assert live.value("nalu_rejections_total", reason="timeout") == 1


def test_a_request_whose_time_is_over_in_the_queue_is_refused_once_and_not_computed(
    root: Path, protocol_name: str
) -> None:
    with listening(root, protocol_name, request_timeout_seconds=1, max_concurrent_batches=1) as live:
        held = hold(live)
        with Wire(live.port) as first, Wire(live.port) as second:
            first.send(post(predict_body([1, 1])))
            assert held.entered.wait(5)
            second.send(post(predict_body([2, 2])))
            answers = [first.answer(), second.answer()]
            held.release.set()
            wait_until(lambda: live.service.batching.queue_limiter.rows == 0)
            said = "The request was not answered within 1 seconds, which is the limit; try again later."
            for wire, answer in zip((first, second), answers, strict=True):
                assert (answer.status, answer.header("retry-after")) == (503, "1")
                assert json.loads(answer.body)["detail"] == said
                assert predictions(wire.send(post(BODY)).answer()) == [[7.0]]
        assert held.sizes == [1, 1, 1]
        assert live.counted(status="503") == 2
        assert live.value("nalu_rejections_total", reason="timeout") == 2


def test_a_key_is_asked_for_and_the_body_need_not_be_read(root: Path, protocol_name: str, tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text(f"somebody {sha256(b'secret').hexdigest()}\n")
    with listening(root, protocol_name, api_keys_file=keys) as live, Wire(live.port) as wire:
        for headers, said in (((), "carries no API key; "), (("X-API-Key: no",), "is none of the service's keys; ")):
            answer = wire.send(post(BODY, *headers)).answer()
            assert (answer.status, answer.header("www-authenticate")) == (401, "Bearer")
            assert said in json.loads(answer.body)["detail"]
        for header in ("X-API-Key: secret", "Authorization: Bearer secret"):
            assert predictions(wire.send(post(BODY, header)).answer()) == [[7.0]]
        assert live.value("nalu_rejections_total", reason="unauthorized") == 2


def test_while_draining_a_connection_is_closed_after_its_answer(root: Path, protocol_name: str) -> None:
    with listening(root, protocol_name) as live, Wire(live.port) as wire:
        assert wire.send(post(BODY)).answer().header("connection") is None
        live.service.draining = True
        answer = wire.send(post(BODY)).answer()
        assert predictions(answer) == [[7.0]]
        assert answer.header("connection") == "close"
        assert wire.ends()


def test_a_server_that_stops_says_that_it_closes_the_connection_it_is_answering(root: Path, protocol_name: str) -> None:
    with listening(root, protocol_name) as live, Wire(live.port) as wire:
        held = hold(live)
        wire.send(post(BODY))
        assert held.entered.wait(5)
        for protocol in list(live.server.server_state.connections):
            protocol.loop.call_soon_threadsafe(protocol.shutdown)
        with Wire(live.port) as other:  # once this is answered, the shutdown above was seen
            assert other.send(plain("GET", "/health/live")).answer().status == 200
        held.release.set()
        answer = wire.answer()
        assert predictions(answer) == [[7.0]]
        assert answer.header("connection") == "close"
        assert wire.ends()


TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (["X-Request-ID: mine-1"], "mine-1"),
        ([f"traceparent: 00-{TRACE}-00f067aa0ba902b7-01"], TRACE),
        (["X-Request-ID: mine", f"traceparent: 00-{TRACE}-00f067aa0ba902b7-01"], "mine"),
        (["X-Request-ID: two words"], "[0-9a-f]{16}"),
        (["traceparent: nonsense"], "[0-9a-f]{16}"),
    ],
)
def test_a_request_has_the_id_that_its_client_gave_it(live: Live, headers: list[str], expected: str) -> None:
    with Wire(live.port) as wire:
        refused = wire.send(post(b"{", *headers)).answer()
        answered = wire.send(post(BODY, *headers)).answer()
    for answer in (refused, answered):
        assert re.fullmatch(expected, answer.header("x-request-id") or "")
    assert json.loads(refused.body)["request_id"] == refused.header("x-request-id")


def test_the_access_log_has_a_line_for_every_request(
    root: Path, protocol_name: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "app.access")
    with listening(root, protocol_name, access_log=True) as live, Wire(live.port) as wire:
        for name, body in (("first", predict_body([1, 1], [2, 2])), ("second", b"{")):
            wire.send(post(body, f"X-Request-ID: {name}")).answer()
        wait_until(lambda: not live.service.requests_in_flight)
    lines = [record.getMessage() for record in caplog.records if record.name == "app.access"]
    predicted = [line for line in lines if PATH in line]
    assert len(predicted) == 2, lines
    assert re.search(r"POST /predict/arithmetic.* 200 .*", predicted[0])
    assert re.search(r"POST /predict/arithmetic.* 422 .*", predicted[1])
    fields = [vars(record) for record in caplog.records if PATH in record.getMessage()]
    assert [(line["request_id"], line.get("rows")) for line in fields] == [("first", 2), ("second", None)]


def test_a_request_that_shares_a_packet_with_one_before_is_not_cut_off_as_an_idle_connection_is(root: Path) -> None:
    with listening(root) as live, Wire(live.port) as wire:
        wire.send(post(BODY)).answer()
        wire.send(post(b"{") + post(BODY)[:-5]).answer()
        protocol = next(iter(live.server.server_state.connections))
        wait_until(lambda: live.service.requests_in_flight)
        assert protocol.timeout_keep_alive_task is None
