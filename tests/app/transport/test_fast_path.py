"""The fast path answers as uvicorn's own way does, over raw sockets."""

import gzip
import io
import json
import logging
import re
import time
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.codecs.uploads import Upload
from app.transport import connections, fast_path_cycle
from app.transport.known_heads import MAX_BODY_BYTES
from tests.app.factory import wait_until
from tests.app.images import encode, grey, noise
from tests.app.raw_http import PATH, Answer, LiveService, RawConnection, listening, post, predict_body, without_body

BODY = predict_body([3, 4])


def form(image: bytes, model: str = "brightness") -> bytes:
    part = 'Content-Disposition: form-data; name="{}"'
    head = f"--cut\r\n{part.format('model')}\r\n\r\n{model}\r\n--cut\r\n{part.format('files')}; filename=a\r\n\r\n"
    return head.encode() + image + b"\r\n--cut--\r\n"


CLIPPED = encode(Image.fromarray((noise(160, 240) > 200).astype(np.uint8) * 255), "JPEG", quality=30)
"""Its pixels beyond black and white are clipped in a full decode, and averaged in a reduced one."""
CHUNKS = b"%x\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n" % (7, BODY[:7], len(BODY) - 7, BODY[7:])
PACKED = b"%x\r\n%s\r\n0\r\n\r\n" % (len(gzip.compress(BODY, mtime=0)), gzip.compress(BODY, mtime=0))
FORM_TYPE = "Content-Type: multipart/form-data; boundary=cut"
REQUESTS: dict[str, tuple[int, bytes]] = {
    "plain": (200, post(BODY)),
    "http-1.0": (200, post(BODY, version="1.0")),
    "http-1.0-keep-alive": (200, post(BODY, "Connection: keep-alive", version="1.0")),
    "connection-close": (200, post(BODY, "Connection: close")),
    "chunked": (200, post(b"", "Transfer-Encoding: chunked", length=False) + CHUNKS),
    "65537-bytes": (200, post(predict_body([3, 4], length=65_537))),
    "as-long-as-it-may-be": (200, post(predict_body([3, 4], length=MAX_BODY_BYTES))),
    "a-byte-longer": (200, post(predict_body([3, 4], length=MAX_BODY_BYTES + 1))),
    "wrong-width": (422, post(predict_body([3, 4, 5]))),
    "nan": (422, post(b'{"model": "sum", "inputs": [[1, NaN]]}')),
    "too-large-number": (422, post(b'{"model": "sum", "inputs": [[1, 1e999]]}')),
    "number-as-text": (422, post(b'{"model": "sum", "inputs": [[1, "1.5"]]}')),
    "no-json": (422, post(b"{")),
    "no-utf8": (422, post(b'{"model": "\xff"}')),
    "too-deep": (422, post(b"[" * 1000)),
    "unknown-model": (404, post(predict_body([3, 4], model="missing"))),
    "images-wanted": (422, post(predict_body([3, 4], model="brightness"))),
    "no-length": (422, post(b"", length=False)),
    "length-0": (422, post(b"")),
    "two-equal-lengths": (400, post(BODY, f"Content-Length: {len(BODY)}")),
    "two-lengths": (400, post(BODY, "Content-Length: 1")),
    "list-of-lengths": (400, post(BODY, f"Content-Length: {len(BODY)}, {len(BODY)}", length=False)),
    "negative-length": (400, post(BODY, "Content-Length: -1", length=False)),
    "endless-length": (400, post(BODY, "Content-Length: " + "9" * 5000, length=False)),
    "length-and-chunked": (400, post(CHUNKS, "Transfer-Encoding: chunked")),
    "HEAD": (405, without_body("HEAD")),
    "GET": (405, without_body("GET")),
    "OPTIONS": (204, without_body("OPTIONS")),
    "OPTIONS-*": (204, without_body("OPTIONS", "*")),
    "TRACE": (405, without_body("TRACE")),
    "HEAD-live": (200, without_body("HEAD", "/health/live")),
    "HEAD-live-http-1.0": (200, without_body("HEAD", "/health/live").replace(b"HTTP/1.1", b"HTTP/1.0")),
    "HEAD-nothing": (404, without_body("HEAD", "/nothing")),
    "HEAD-file": (200, without_body("HEAD", "/docs/swagger-ui.css")),
    "DELETE": (405, without_body("DELETE")),
    "get-with-body": (405, post(BODY).replace(b"POST", b"GET")),
    "query": (200, post(BODY, path=PATH + "?x=1")),
    "absolute-form": (200, post(BODY, path="http://here" + PATH)),
    "percent": (200, post(BODY, path="/predict/%61rithmetic")),
    "slash": (200, post(BODY, path=PATH + "/")),
    "slash-and-query": (200, post(BODY, path=PATH + "/?x=1")),
    "slash-image": (200, post(form(grey(7)), FORM_TYPE, path="/predict/image/")),
    "percent-slash": (200, post(BODY, path=PATH + "%2F")),
    "two-slashes": (404, post(BODY, path=PATH + "//")),
    "slashes": (404, post(BODY, path="/" + PATH)),
    "lower-case-names": (200, post(BODY).replace(b"Host", b"host").replace(b"Content-Length", b"content-length")),
    "upper-case-names": (200, post(BODY).replace(b"Host", b"HOST").replace(b"Content-Length", b"CONTENT-LENGTH")),
    "other-type": (200, post(BODY, "Content-Type: application/x-www-form-urlencoded")),
    "json-as-csv": (422, post(BODY, "Content-Type: text/csv")),
    "json-as-csv-in-capitals": (422, post(BODY, "Content-Type: TEXT/CSV; charset=utf-8")),
    "json-as-arrow": (422, post(BODY, "Content-Type: application/vnd.apache.arrow.stream")),
    "csv": (200, post(b"a,b\n3,4\n", "Content-Type: text/csv", path=PATH + "?model=sum")),
    "gzip": (200, post(gzip.compress(BODY), "Content-Encoding: gzip")),
    "gzip-http-1.0": (200, post(gzip.compress(BODY), "Content-Encoding: gzip", version="1.0")),
    "gzip-chunked": (200, post(b"", "Content-Encoding: gzip", "Transfer-Encoding: chunked", length=False) + PACKED),
    "gzip-image": (200, post(gzip.compress(form(grey(7))), FORM_TYPE, "Content-Encoding: gzip", path="/predict/image")),
    "identity": (200, post(BODY, "Content-Encoding: identity")),
    "empty-encoding": (200, post(BODY, "Content-Encoding: ")),
    "gzip-that-is-none": (422, post(BODY, "Content-Encoding: gzip")),
    "br": (415, post(BODY, "Content-Encoding: br")),
    "two-encodings": (415, post(gzip.compress(BODY), "Content-Encoding: gzip", "Content-Encoding: gzip")),
    "many-headers": (200, post(BODY, *[f"X-{index}: {index}" for index in range(90)])),
    "image": (200, post(form(grey(7)), FORM_TYPE, path="/predict/image")),
    "sure-photo": (200, post(form(grey(255, 160, 240, "JPEG"), "shade"), FORM_TYPE, path="/predict/image")),
    "unsure-photo": (200, post(form(CLIPPED, "shade"), FORM_TYPE, path="/predict/image")),
    "broken-image": (415, post(form(grey(7)[:40]), FORM_TYPE, path="/predict/image")),
    "no-form": (422, post(BODY, path="/predict/image")),
    "get-image": (405, without_body("GET", "/predict/image")),
    "live": (200, without_body("GET", "/health/live")),
}


def comparable(answer: Answer) -> tuple[int, list[tuple[str, str]], bytes]:
    """An answer without what differs from one request to the next."""
    if answer.status == 400:  # of the parser: uvicorn's has a text, ours is a problem
        return answer.status, [("connection", answer.header("connection") or "")], b""
    headers = [(name, value) for name, value in answer.headers if name not in ("date", "x-request-id")]
    assert answer.header("date")
    assert re.fullmatch("[0-9a-f]{16}", answer.header("x-request-id") or "")
    return answer.status, headers, re.sub(rb'"request_id":"[0-9a-f]{16}"', b"", answer.body)


@pytest.mark.parametrize("name", REQUESTS)
def test_a_request_is_answered_alike_on_both_protocols_and_the_connection_ends_alike(
    services: dict[str, LiveService], name: str
) -> None:
    status, request = REQUESTS[name]
    answers, follow = [], []
    for live in services.values():
        with RawConnection(live.port) as connection:
            answer = connection.send(request).answer(request.partition(b" ")[0].decode())
            answers.append(comparable(answer))
            if answer.header("connection") == "close":
                follow.append(("close", connection.ends()))
            else:
                again = connection.send(request).answer(request.partition(b" ")[0].decode())  # with a known head
                assert comparable(again) == answers[-1]
                follow.append(connection.send(post(predict_body([1, 1]))).answer().predictions())
    assert answers[0] == answers[1]
    assert answers[0][0] == status
    assert follow[0] == follow[1]
    assert follow[0] in ([[2.0]], ("close", True))


def test_the_fast_path_answers_an_unsure_photo_from_a_full_decode(services: dict[str, LiveService]) -> None:
    with RawConnection(services["fast_path"].port) as connection:
        (prediction,) = connection.send(REQUESTS["unsure-photo"][1]).answer().predictions()
    bright = np.asarray(Image.open(io.BytesIO(CLIPPED))).mean() / 255
    assert prediction["probabilities"]["bright"] == pytest.approx(bright, abs=1e-6)
    assert abs(Upload(CLIPPED, "File 0", 10**6, needed=6).decode("L").mean() / 255 - bright) > 1e-3


def test_expect_100_continue_is_answered_before_the_body_is_sent(live: LiveService) -> None:
    request = post(BODY, "Expect: 100-continue")
    with RawConnection(live.port) as connection:
        assert connection.send(request[: -len(BODY)]).answer().status == 100
        assert connection.send(BODY).answer().predictions() == [[7.0]]


@pytest.mark.parametrize("size", [1, 7, 64])
def test_a_request_in_packets_of_any_size_is_answered(live: LiveService, size: int) -> None:
    request = post(BODY)
    packets = [request[start : start + size] for start in range(0, len(request), size)]
    with RawConnection(live.port) as connection:
        assert connection.send(*packets).answer().predictions() == [[7.0]]
        assert connection.send(*packets).answer().predictions() == [[7.0]]


def test_requests_in_one_packet_are_answered_in_their_order(live: LiveService) -> None:
    wanted: list[tuple[str, bytes]] = [
        ("a", post(predict_body([1, 1]), "X-Request-ID: a")),
        ("b", without_body("GET", "/health/live", "X-Request-ID: b")),
        ("c", post(predict_body([1, 2]), "X-Request-ID: c")),
        ("d", post(b"{", "X-Request-ID: d")),
        ("e", post(predict_body([1, 3]), "X-Request-ID: e")),
    ]
    with RawConnection(live.port) as connection:
        connection.send(b"".join(request for _, request in wanted))
        answers = [connection.answer() for _ in wanted]
    assert [answer.header("x-request-id") for answer in answers] == ["a", "b", "c", "d", "e"]
    assert [answer.status for answer in answers] == [200, 200, 200, 422, 200]
    assert [answers[index].predictions() for index in (0, 2, 4)] == [[[2.0]], [[3.0]], [[4.0]]]


def test_three_predictions_in_one_packet_are_answered_in_their_order(live: LiveService) -> None:
    with RawConnection(live.port) as connection:
        connection.send(b"".join(post(predict_body([number, 0])) for number in range(3)))
        assert [connection.answer().predictions() for _ in range(3)] == [[[0.0]], [[1.0]], [[2.0]]]


def test_a_request_that_comes_while_the_one_before_is_computed_waits_for_its_turn(
    root: Path, protocol_name: str
) -> None:
    with listening(root, protocol_name) as live, RawConnection(live.port) as connection:
        held = live.hold()
        connection.send(post(predict_body([1, 1])))
        assert held.entered.wait(5)
        connection.send(without_body("GET", "/health/live"), post(predict_body([2, 2])))
        with RawConnection(live.port) as other:  # it is not the service that waits
            assert other.send(without_body("GET", "/health/live")).answer().status == 200
        assert held.sizes == [1]
        held.release.set()
        first, second, third = (connection.answer() for _ in range(3))
    assert (first.predictions(), second.body, third.predictions()) == ([[2.0]], b'{"live":true}', [[4.0]])


def test_the_requests_that_the_fast_path_is_for_take_it(
    services: dict[str, LiveService], monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[str] = []
    start = fast_path_cycle.FastPathCycle.start
    monkeypatch.setattr(
        fast_path_cycle.FastPathCycle,
        "start",
        lambda self, body: taken.append(self.context.request_id) or start(self, body),
    )
    image = post(form(grey(7)), FORM_TYPE, "X-Request-ID: image", path="/predict/image")
    for request in (post(BODY, "X-Request-ID: row"), image, post(BODY, "X-Request-ID: q", path=PATH + "?x=1")):
        with RawConnection(services["fast_path"].port) as connection:
            assert connection.send(request).answer().status == 200
    assert taken == ["row", "image"]


def test_a_key_is_asked_for_and_the_body_need_not_be_read(root: Path, protocol_name: str, tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text(f"client {sha256(b'secret').hexdigest()}\n")
    with listening(root, protocol_name, api_keys_file=keys) as live, RawConnection(live.port) as connection:
        for headers, detail in (((), "carries no API key; "), (("X-API-Key: no",), "is unknown; ")):
            answer = connection.send(post(BODY, *headers)).answer()
            assert (answer.status, answer.header("www-authenticate")) == (401, "Bearer")
            assert detail in json.loads(answer.body)["detail"]
        for header in ("X-API-Key: secret", "Authorization: Bearer secret"):
            assert connection.send(post(BODY, header)).answer().predictions() == [[7.0]]
        assert live.value("nalu_rejections_total", reason="unauthorized") == 2


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
def test_a_request_has_the_id_that_its_client_gave_it(live: LiveService, headers: list[str], expected: str) -> None:
    with RawConnection(live.port) as connection:
        refused = connection.send(post(b"{", *headers)).answer()
        answered = connection.send(post(BODY, *headers)).answer()
    for answer in (refused, answered):
        assert re.fullmatch(expected, answer.header("x-request-id") or "")
    assert json.loads(refused.body)["request_id"] == refused.header("x-request-id")


def test_the_access_log_has_a_line_for_every_request(
    root: Path, protocol_name: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "app.access")
    with listening(root, protocol_name, access_log=True) as live, RawConnection(live.port) as connection:
        for name, body in (("first", predict_body([1, 1], [2, 2])), ("second", b"{")):
            connection.send(post(body, f"X-Request-ID: {name}")).answer()
        wait_until(lambda: not live.service.requests_in_flight)
    lines = [record.getMessage() for record in caplog.records if record.name == "app.access"]
    predicted = [line for line in lines if PATH in line]
    assert len(predicted) == 2, lines
    assert re.search(r"POST /predict/arithmetic.* 200 .*", predicted[0])
    assert re.search(r"POST /predict/arithmetic.* 422 .*", predicted[1])
    fields = [vars(record) for record in caplog.records if PATH in record.getMessage()]
    assert [(line["request_id"], line.get("rows")) for line in fields] == [("first", 2), ("second", None)]


def test_a_request_that_shares_a_packet_with_one_before_is_not_cut_off_as_an_idle_connection_is(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "SWEEP_SECONDS", 0.02)
    with listening(root, keep_alive_seconds=0.1) as live, RawConnection(live.port) as connection:
        connection.send(post(BODY)).answer()
        connection.send(post(b"{") + post(BODY)[:-5]).answer()
        wait_until(lambda: live.service.requests_in_flight)
        time.sleep(0.3)
        assert connection.send(post(BODY)[-5:]).answer().predictions() == [[7.0]]
