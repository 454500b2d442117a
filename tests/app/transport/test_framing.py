"""What a client may send besides bodies is bounded, on every way that it can come."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.app.certificates import make_certificate
from tests.app.raw_http import LiveService, RawConnection, listening, post, predict_body, without_body

LIMIT = 2048
FIELDS = 32
TOO_LARGE = (
    "The request's head, or its trailers and chunk extensions, exceed the limit of 2048 bytes or 32 header fields; "
    "send fewer or shorter headers."
)
TOO_LONG = "The request target exceeds 2048 bytes, the limit of a request head; shorten it."
MALFORMED = "The request is not valid HTTP/1.1; check the client, and that it does not use TLS."
BODY = predict_body([3, 4])
LIVE = without_body("GET", "/health/live")
CHUNKED = post(b"", "Transfer-Encoding: chunked", length=False)
LAST = b"%x\r\n%s\r\n0\r\n" % (len(BODY), BODY)


@pytest.fixture(scope="module")
def bounded(root: Path) -> Iterator[LiveService]:
    with listening(root, max_head_bytes=LIMIT, max_header_fields=FIELDS) as live:
        yield live


def head(size: int, path: str = "/health/live", version: str = "1.1") -> bytes:
    """A whole head of that many bytes."""
    empty = f"GET {path} HTTP/{version}\r\nHost: here\r\nX: \r\n\r\n"
    return empty.replace("X: ", "X: " + "a" * (size - len(empty))).encode()


TOO_MUCH = {
    "endless-header": b"GET / HTTP/1.1\r\nX: " + b"a" * 100_000,
    "endless-name": b"GET / HTTP/1.1\r\n" + b"a" * 100_000,
    "endless-method": b"GET / HTTP/1.1\r\nX:" + b" " * 100_000,
    "one-byte-too-many": head(LIMIT + 1),
    "one-byte-too-many-in-1.0": head(LIMIT + 1, version="1.0"),
    "many-long-headers": without_body("GET", "/", *["X: " + "a" * 90] * 30),
    "many-short-headers": without_body("GET", "/", *["X:"] * FIELDS),
    "on-the-fast-path": post(BODY, "X: " + "a" * LIMIT),
    "empty-lines-before": b"\r\n" * 10_000,
    "extension-of-a-chunk": CHUNKED + b"1;" + b"a" * 100_000,
    "extensions-of-chunks": CHUNKED + b"1;a=aaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\nx\r\n" * 1000,
    "trailer": CHUNKED + LAST + b"X: " + b"a" * 100_000,
    "trailers": CHUNKED + LAST + b"X: a\r\n" * 10_000,
}


@pytest.mark.parametrize("size", [1_000_000, 1000, 100], ids=lambda size: f"packets-of-{size}")
@pytest.mark.parametrize("name", TOO_MUCH)
def test_too_much_besides_a_body_gets_431_and_the_connection_ends(bounded: LiveService, name: str, size: int) -> None:
    request = TOO_MUCH[name]
    if size == 100:
        request = request[: 4 * LIMIT]  # enough for the limit
    with RawConnection(bounded.port) as connection:
        connection.send(*(request[start : start + size] for start in range(0, len(request), size)))
        answer = connection.answer()
        assert (answer.status, answer.header("connection")) == (431, "close")
        assert answer.header("content-type") == "application/problem+json"
        assert json.loads(answer.body)["detail"] == TOO_LARGE
        assert json.loads(answer.body)["request_id"] == answer.header("x-request-id")
        assert connection.ends()


@pytest.mark.parametrize(
    "request_bytes",
    [
        head(LIMIT),
        head(LIMIT, version="1.0"),
        b"\r\n\r\n" + LIVE,
        without_body("GET", "/health/live", *["X:"] * (FIELDS - 1)),
        CHUNKED + LAST + b"X: a\r\n\r\n",
        CHUNKED + b"".join(b"1\r\n%c\r\n" % byte for byte in predict_body([3, 4], length=9000)) + b"0\r\n\r\n",
        CHUNKED + b"1;a=b\r\n%c\r\n" % BODY[0] + b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY) - 1, BODY[1:]),
        post(predict_body([3, 4], length=60_000)),
        post(predict_body([3, 4], length=1_000_000)),
    ],
    ids=[
        *("whole-limit", "whole-limit-in-1.0", "empty-lines", "most-headers", "trailer", "small-chunks", "extension"),
        *("body-on-the-fast-path", "large-body"),
    ],
)
@pytest.mark.parametrize("size", [1_000_000, LIMIT - 1, 77], ids=lambda size: f"packets-of-{size}")
def test_what_is_within_the_limits_is_answered(bounded: LiveService, request_bytes: bytes, size: int) -> None:
    step = max(size, len(request_bytes) // 1000)
    with RawConnection(bounded.port) as connection:
        connection.send(*(request_bytes[start : start + step] for start in range(0, len(request_bytes), step)))
        assert connection.answer().status == 200


@pytest.mark.parametrize(
    ("request_bytes", "body"),
    [
        (b"GET /" + b"a" * 100_000, TOO_LONG),
        (b"GET /a?" + b"a" * 100_000, TOO_LONG),
        (b"GET http://here/" + b"a" * 100_000, TOO_LONG),
        (head(LIMIT + 1, path="/" + "a" * 1900), TOO_LONG),
        (b"GET /v2/" + b"a" * 100_000, TOO_LONG),
    ],
)
def test_a_target_that_alone_is_too_long_gets_414(bounded: LiveService, request_bytes: bytes, body: str) -> None:
    with RawConnection(bounded.port) as connection:
        answer = connection.send(request_bytes).answer()
        assert answer.status == 414
        assert body in answer.body.decode()


@pytest.mark.parametrize(
    ("status", "request_bytes"),
    [
        (431, b"GET /v2/models HTTP/1.1\r\nX: " + b"a" * 100_000),
        (431, b"GET http://here/v2/models?x HTTP/1.1\r\nX: " + b"a" * 100_000),
        (400, b"GET /v2/models HTTP/1.1\r\nX\x00: \r\n\r\n"),
    ],
)
def test_under_v2_the_error_has_the_form_of_the_protocol(
    bounded: LiveService, status: int, request_bytes: bytes
) -> None:
    with RawConnection(bounded.port) as connection:
        answer = connection.send(request_bytes).answer()
        assert answer.status == status
        assert json.loads(answer.body) == {"error": MALFORMED if status == 400 else TOO_LARGE}


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # a client that begins TLS
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"\x00" * 1000,
        b"GET / HTTP/9.9\r\n\r\n",
        b"FOO HTTP/1.1\r\n\r\n",
        b"FOO models\r\n\r\n",
        b"GET / HTTP/1.1\r\nX: a\r\n folded\r\n\r\n",
        CHUNKED + b"no length\r\n",
    ],
)
def test_what_is_no_http_gets_a_problem_with_400(bounded: LiveService, garbage: bytes) -> None:
    with RawConnection(bounded.port) as connection:
        answer = connection.send(garbage).answer()
        assert (answer.status, answer.header("connection")) == (400, "close")
        assert json.loads(answer.body)["detail"] == MALFORMED
        assert connection.ends()


@pytest.mark.parametrize(
    ("line", "method"),
    [
        ("FOO /models HTTP/1.1", "FOO"),
        ("BREW /coffee HTTP/1.0", "BREW"),
        ("GETX / HTTP/1.1", "GETX"),
        ("get /models HTTP/1.1", "get"),
        ("CONNECT here:443 HTTP/1.1", "CONNECT"),
    ],
)
@pytest.mark.parametrize("before", [b"", LIVE])
def test_an_unknown_method_gets_501_and_ends_the_connection(
    bounded: LiveService, before: bytes, line: str, method: str
) -> None:
    with RawConnection(bounded.port) as connection:
        if before:
            assert connection.send(before).answer().status == 200
        answer = connection.send(f"{line}\r\nHost: here\r\n\r\n".encode()).answer()
        assert (answer.status, answer.header("connection")) == (501, "close")
        assert answer.header("content-type") == "application/problem+json"
        assert (
            json.loads(answer.body)["detail"] == f"The service knows no method {method}; GET /docs lists its methods."
        )
        assert connection.ends()


@pytest.mark.parametrize("before", [LIVE, post(BODY), post(predict_body([3, 4], length=5000))])
@pytest.mark.parametrize("size", [LIMIT + 1, 100_000])
@pytest.mark.parametrize("packets", [1, 2])
def test_the_second_head_on_a_connection_is_bounded_as_the_first_is(
    bounded: LiveService, before: bytes, size: int, packets: int
) -> None:
    with RawConnection(bounded.port) as connection:
        connection.send(*([before + head(size)] if packets == 1 else [before, head(size)]))
        assert [connection.answer().status for _ in range(2)] == [200, 431]
        assert connection.ends()


def test_a_rejection_comes_after_the_responses_to_the_requests_before(root: Path) -> None:
    with listening(root, max_head_bytes=LIMIT) as live, RawConnection(live.port) as connection:
        held = live.hold()
        connection.send(post(predict_body([1, 1])))
        assert held.entered.wait(5)
        connection.send(post(predict_body([2, 2])) + LIVE + head(LIMIT + 100))
        connection.send(LIVE)  # is not read any more
        held.release.set()
        answers = [connection.answer() for _ in range(4)]
        assert [answer.status for answer in answers] == [200, 200, 200, 431]
        assert [answers[index].predictions() for index in (0, 1)] == [[[2.0]], [[4.0]]]
        assert connection.ends()


def test_a_malformed_body_behind_another_request_does_not_take_its_response(root: Path) -> None:
    with listening(root) as live, RawConnection(live.port) as connection:
        held = live.hold()
        connection.send(post(predict_body([1, 1])))
        assert held.entered.wait(5)
        connection.send(CHUNKED + b"no length\r\n")
        held.release.set()
        assert [connection.answer().status for _ in range(2)] == [200, 400]
        assert connection.ends()


def test_a_malformed_rest_of_a_body_that_was_answered_already_only_ends_the_connection(
    root: Path, tmp_path: Path
) -> None:
    keys = tmp_path / "keys"
    keys.write_text("client " + "0" * 64 + "\n")
    with listening(root, api_keys_file=keys) as live, RawConnection(live.port) as connection:
        assert connection.send(CHUNKED).answer().status == 401
        assert connection.send(b"no length\r\n").ends()


def test_a_client_that_sends_on_after_its_rejection_can_read_it_and_costs_no_memory(bounded: LiveService) -> None:
    with RawConnection(bounded.port) as connection:
        connection.send(b"GET / HTTP/1.1\r\nX: ", *[b"a" * 1_000_000] * 20)  # more than the kernel's buffers hold
        assert connection.answer().status == 431
        assert connection.ends()


def test_trailers_do_not_become_headers(bounded: LiveService) -> None:
    with RawConnection(bounded.port) as connection:
        connection.send(CHUNKED + LAST + b"Content-Encoding: gzip\r\nX-Request-ID: trailer\r\n\r\n")
        answer = connection.answer()
        assert answer.predictions() == [[7.0]]
        assert answer.header("x-request-id") != "trailer"


def test_a_rejection_is_counted_and_has_the_id_that_its_client_gave(bounded: LiveService) -> None:
    reason = "head_too_large"
    before = bounded.value("nalu_rejections_total", reason=reason), bounded.counted(route="none", status="431")
    with RawConnection(bounded.port) as connection:
        connection.send(without_body("GET", "/", "X-Request-ID: mine", *["X: 1"] * 40))
        assert connection.answer().header("x-request-id") == "mine"
    after = bounded.value("nalu_rejections_total", reason=reason), bounded.counted(route="none", status="431")
    assert after == (before[0] + 1, before[1] + 1)
    assert not bounded.service.requests_in_flight


def test_the_limits_hold_for_tls_too(root: Path, tmp_path: Path) -> None:
    key, signed = certificate = make_certificate(tmp_path)
    client = certificate.client()
    server = {"ssl_keyfile": str(key), "ssl_certfile": str(signed)}
    times = {"keep_alive_seconds": 0.1, "head_timeout_seconds": 0.1, "request_timeout_seconds": 0.1}
    with listening(root, server=server, max_head_bytes=LIMIT, **times) as live:
        with RawConnection(live.port, tls=client) as connection:
            assert connection.send(post(BODY)).answer().predictions() == [[7.0]]
            assert connection.ends()
        with RawConnection(live.port, tls=client) as connection:
            assert connection.send(head(LIMIT + 1)).answer().status == 431
            assert connection.ends()
        with RawConnection(live.port, tls=client) as connection:
            assert connection.send(head(LIMIT)[:-2]).answer().status == 408
            assert connection.ends()
        with RawConnection(live.port, tls=client) as connection:
            assert connection.send(post(BODY)[:-5]).answer().status == 408
            assert connection.ends()
        with RawConnection(live.port, tls=client) as silent:
            assert silent.ends()
