"""A DNS server with one name, as Docker's and Kubernetes' have for the replicas of a service."""

import socketserver
import struct
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from ipaddress import IPv4Address

A_RECORD, INTERNET = 1, 1
SECONDS_TO_LIVE = 1
_HEADER = struct.Struct(">6H")


@contextmanager
def name_server(listen: str, addresses: Sequence[str]) -> Iterator[None]:
    """A server on ``host:port`` that answers each question about IPv4 with these addresses, and others with none."""
    host, _, port = listen.rpartition(":")

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            query, socket = self.request
            socket.sendto(response(query, addresses), self.client_address)

    with socketserver.ThreadingUDPServer((host, int(port)), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield
        finally:
            server.shutdown()


def response(query: bytes, addresses: Sequence[str]) -> bytes:
    """The answer to a query of one question (RFC 1035, section 4), which may carry further records."""
    number, *_ = _HEADER.unpack_from(query)
    end = query.index(b"\0", _HEADER.size) + 5
    question = query[_HEADER.size : end]
    known = addresses if question[-4:] == struct.pack(">2H", A_RECORD, INTERNET) else ()
    name = 0xC000 | _HEADER.size  # a pointer to the question's
    records = (
        struct.pack(">3HIH", name, A_RECORD, INTERNET, SECONDS_TO_LIVE, 4) + IPv4Address(address).packed
        for address in known
    )
    return _HEADER.pack(number, 0x8580, 1, len(known), 0, 0) + question + b"".join(records)
