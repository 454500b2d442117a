"""Whose request it is, where proxies name the client: only those that are believed can."""

import logging
from pathlib import Path
from typing import Any

import pytest

from app.http.forwarded import client_of
from app.settings.network import parse_proxies
from tests.app.factory import write_sum
from tests.app.raw_http import RawConnection, listening, post, predict_body


def scope(peer: str | None, *headers: tuple[str, str], scheme: str = "http") -> dict[str, Any]:
    return {
        "client": None if peer is None else (peer, 50_000),
        "scheme": scheme,
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers],
    }


def forwarded(chain: str, proto: str | None = None) -> list[tuple[str, str]]:
    return [("x-forwarded-for", chain)] + ([] if proto is None else [("x-forwarded-proto", proto)])


@pytest.mark.parametrize(
    ("proxies", "peer", "headers", "client"),
    [
        # nobody is believed, or not this peer
        (None, "10.0.0.7", forwarded("1.2.3.4", "https"), ("10.0.0.7", "http")),
        ("10.0.0.8", "10.0.0.7", forwarded("1.2.3.4", "https"), ("10.0.0.7", "http")),
        ("unix", "10.0.0.7", forwarded("1.2.3.4"), ("10.0.0.7", "http")),
        ("10.0.0.7", None, forwarded("1.2.3.4", "https"), (None, "http")),
        # the peer is believed
        ("10.0.0.7", "10.0.0.7", forwarded("1.2.3.4", "https"), ("1.2.3.4", "https")),
        ("10.0.0.0/8", "10.9.9.9", forwarded("2001:db8::1"), ("2001:db8::1", "http")),
        ("10.0.0.7", "::ffff:10.0.0.7", forwarded("1.2.3.4:4711"), ("1.2.3.4", "http")),
        ("unix", None, forwarded("[2001:db8::1]:4711", "HTTPS"), ("2001:db8::1", "https")),
        ("*", "203.0.113.9", forwarded("1.2.3.4"), ("1.2.3.4", "http")),
        # the client wrote the first part of the list itself
        ("10.0.0.7", "10.0.0.7", forwarded("9.9.9.9, 1.2.3.4"), ("1.2.3.4", "http")),
        ("10.0.0.0/8", "10.0.0.7", forwarded("9.9.9.9, 1.2.3.4, 10.0.0.8"), ("1.2.3.4", "http")),
        ("10.0.0.7", "10.0.0.7", [*forwarded("9.9.9.9"), *forwarded("1.2.3.4")], ("1.2.3.4", "http")),
        ("10.0.0.7", "10.0.0.7", forwarded("1.2.3.4", "https, http"), ("1.2.3.4", "http")),
        # what is no address ends the list
        ("10.0.0.7", "10.0.0.7", forwarded("unknown"), ("10.0.0.7", "http")),
        ("10.0.0.0/8", "10.0.0.7", forwarded("1.2.3.4, \n<script>, 10.0.0.8"), ("10.0.0.8", "http")),
        ("10.0.0.7", "10.0.0.7", forwarded("1.2.3.4", "gopher"), ("1.2.3.4", "http")),
        ("10.0.0.7", "10.0.0.7", forwarded(",,"), ("10.0.0.7", "http")),
        ("10.0.0.7", "10.0.0.7", [], ("10.0.0.7", "http")),
    ],
)
def test_the_client_is_the_last_address_that_somebody_believed_names(
    proxies: str | None, peer: str | None, headers: list[tuple[str, str]], client: tuple[str | None, str]
) -> None:
    assert client_of(scope(peer, *headers), proxies and parse_proxies(proxies)) == client


@pytest.mark.parametrize("protocol_name", ["fast_path", "uvicorn"])
@pytest.mark.parametrize(("proxies", "client"), [(None, "127.0.0.1"), ("127.0.0.0/8", "1.2.3.4")])
def test_the_access_log_names_the_client(
    tmp_path: Path, protocol_name: str, proxies: str | None, client: str, caplog: pytest.LogCaptureFixture
) -> None:
    write_sum(tmp_path)
    caplog.set_level(logging.INFO, "app.access")
    with (
        listening(tmp_path, protocol_name, access_log=True, forwarded_allow_ips=proxies) as live,
        RawConnection(live.port) as connection,
    ):
        assert connection.send(post(predict_body([3, 4]), "X-Forwarded-For: 9.9.9.9, 1.2.3.4")).answer().status == 200
    logged = [vars(record) for record in caplog.records if record.name == "app.access"]
    assert [(line["client"], line["scheme"]) for line in logged] == [(client, "http")]
