"""A response leaves in one write."""

import asyncio
from typing import cast

import pytest

from app.transport.joined_writes import join_writes

HEAD, BODY = b"HTTP/1.1 200 OK\r\n\r\n", b"12"


class Recorder:
    """A transport that notes each call that reaches the kernel."""

    def __init__(self) -> None:
        self.written: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def is_closing(self) -> bool:
        return True


def written(method: str, *parts: bytes) -> list[bytes]:
    recorder = Recorder()
    transport = join_writes(cast(asyncio.Transport, recorder), method)
    for part in parts:
        transport.write(part)
    return recorder.written


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ((HEAD, BODY), [HEAD + BODY]),
        ((HEAD, b""), [HEAD]),  # 204
        ((HEAD, BODY, BODY), [HEAD + BODY, BODY]),  # a stream
        ((HEAD,), []),  # the body is still to come
        ((b"HTTP/1.1 100 Continue\r\n\r\n", HEAD, BODY), [b"HTTP/1.1 100 Continue\r\n\r\n", HEAD + BODY]),
    ],
)
def test_a_head_leaves_with_the_first_part_of_its_body(parts: tuple[bytes, ...], expected: list[bytes]) -> None:
    assert written("POST", *parts) == expected


def test_the_head_alone_answers_head() -> None:
    assert written("HEAD", HEAD) == [HEAD]


def test_the_rest_is_the_connections_own() -> None:
    assert join_writes(cast(asyncio.Transport, Recorder()), "GET").is_closing()
