"""A request that offers another protocol is served as if it did not; Java's HttpClient offers HTTP/2 with each."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.app.raw_http import PATH, LiveService, RawConnection, listening, post, predict_body, without_body

BODY = predict_body([3, 4])
CHUNKS = b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)
H2C = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQBAAAAAAIAAAAA")
WEBSOCKET = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13")
REQUESTS = {
    "h2c": post(BODY, *H2C),
    "h2c-chunked": post(b"", *H2C, "Transfer-Encoding: chunked", length=False) + CHUNKS,
    "h2c-query": post(BODY, *H2C, path=PATH + "?x=1"),
    "h2c-65537-bytes": post(predict_body([3, 4], length=65_537), *H2C),
    "websocket": post(BODY, *WEBSOCKET),
    "unknown": post(BODY, "Connection: upgrade", "Upgrade: TLS/1.0, other"),
}


@pytest.fixture(scope="module")
def live(root: Path) -> Iterator[LiveService]:
    with listening(root) as live:
        yield live


@pytest.mark.parametrize("name", REQUESTS)
def test_a_body_is_read_although_its_request_offers_another_protocol(live: LiveService, name: str) -> None:
    request = REQUESTS[name]
    end = request.index(b"\r\n\r\n") + 4
    for packets in ((request,), (request[:end], request[end:]), (request[: end - 1], request[end - 1 :])):
        with RawConnection(live.port) as connection:
            assert connection.send(*packets).answer().predictions() == [[7.0]]
            assert connection.send(post(predict_body([1, 1]))).answer().predictions() == [[2.0]]


def test_requests_behind_one_that_offers_another_protocol_are_answered_in_their_order(live: LiveService) -> None:
    probe = without_body("GET", "/health/live", *H2C)
    with RawConnection(live.port) as connection:
        connection.send(post(predict_body([1, 1]), *H2C) + probe + post(predict_body([2, 2])) + probe)
        answers = [connection.answer() for _ in range(4)]
    assert [answers[index].predictions() for index in (0, 2)] == [[[2.0]], [[4.0]]]
    assert answers[1].body == answers[3].body == b'{"live":true}'


def test_hundreds_of_offers_in_one_packet_are_all_answered(live: LiveService) -> None:
    offer = without_body("GET", "/health/live", "Connection: Upgrade", "Upgrade: h2c")
    with RawConnection(live.port) as connection:
        connection.send(offer * 400)
        assert {connection.answer().status for _ in range(400)} == {200}


def test_an_offer_keeps_what_else_its_head_says(live: LiveService) -> None:
    close = post(BODY, "Connection: close, Upgrade", "Upgrade: h2c", "X-Request-ID: mine")
    with RawConnection(live.port) as connection:
        answer = connection.send(close + post(BODY)).answer()
        assert (answer.predictions(), answer.header("x-request-id"), connection.ends()) == ([[7.0]], "mine", True)
    expecting = post(BODY, *H2C, "Expect: 100-continue")
    with RawConnection(live.port) as connection:
        assert connection.send(expecting[: -len(BODY)]).answer().status == 100
        assert connection.send(BODY).answer().predictions() == [[7.0]]


def test_an_offer_does_not_lift_the_limit_of_a_head(live: LiveService) -> None:
    with RawConnection(live.port) as connection:
        assert connection.send(post(BODY, *H2C, *["X: 1"] * 200)).answer().status == 431


def test_connect_is_rejected_and_the_connection_goes_on(live: LiveService) -> None:
    with RawConnection(live.port) as connection:
        connection.send(without_body("CONNECT") + post(BODY))
        assert (connection.answer().status, connection.answer().predictions()) == (405, [[7.0]])
