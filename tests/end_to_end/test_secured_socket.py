"""Two workers behind a Unix socket with TLS: keys share a rate, certificates change, and shutdown loses nothing."""

import json
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from http.client import HTTPConnection
from pathlib import Path

import pytest

from tests.app.certificates import make_certificate
from tests.app.factory import wait_until, write_sum
from tests.end_to_end.server import ROOT

RATES = {"slow": " rate=5/h", "busy": ""}
KEYS = "".join(f"{name} {sha256(name.encode()).hexdigest()}{rate}\n" for name, rate in RATES.items())
BODY = json.dumps({"model": "sum", "inputs": [[3, 4]]})


def ask(uds: Path, trusted: ssl.SSLContext, method: str, path: str, key: str = "busy") -> int:
    """Status of a request on a new connection, which either worker accepts."""
    with socket.socket(socket.AF_UNIX) as plain:
        plain.settimeout(20)
        plain.connect(str(uds))
        with trusted.wrap_socket(plain) as encrypted:
            connection = HTTPConnection("nalu")
            connection.sock = encrypted
            connection.request(method, f"/nalu{path}", BODY if method == "POST" else None, {"X-API-Key": key})
            status = connection.getresponse().status
            connection.close()
            return status


def answers(uds: Path, trusted: ssl.SSLContext, path: str) -> bool:
    try:
        return ask(uds, trusted, "GET", path) == 200
    except OSError:
        return False


@contextmanager
def served(folder: Path, uds: Path, pem: Path) -> Iterator["subprocess.Popen[str]"]:
    arguments = ["--uds", str(uds), "--ssl-certfile", str(pem), "--root-path", "/nalu", "--workers", "2"]
    settings = {"NALU_API_KEYS_FILE": str(folder / "keys"), "NALU_SHUTDOWN_GRACE_SECONDS": "0.3", "NALU_THREADS": "1"}
    command = [sys.executable, "-m", "app", "--repository", str(folder / "repository"), *arguments]
    process = subprocess.Popen(command, cwd=ROOT, env=settings, stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.slow
def test_two_workers_on_a_unix_socket_with_tls_below_a_prefix(tmp_path: Path) -> None:
    write_sum(tmp_path / "repository")
    (tmp_path / "keys").write_text(KEYS)
    uds, pem = tmp_path / "s", tmp_path / "both.pem"
    first, second = (make_certificate(tmp_path, name) for name in ("first", "second"))
    old, new = first.client(), second.client()
    pem.write_bytes(first.key.read_bytes() + first.certificate.read_bytes())
    statuses: list[int] = []
    ends: list[object] = []

    def hammer() -> None:
        try:
            while True:
                statuses.append(ask(uds, new, "POST", "/predict/arithmetic"))
                time.sleep(0.005)
        except OSError as error:
            ends.append(type(error))

    with served(tmp_path, uds, pem) as process:
        wait_until(lambda: answers(uds, old, "/health/ready"), 60)
        limited = [ask(uds, old, "GET", "/models", "slow") for _ in range(8)]
        assert limited == [200] * 5 + [429] * 3  # whichever worker answers
        pem.write_bytes(second.key.read_bytes() + second.certificate.read_bytes())
        process.send_signal(signal.SIGHUP)
        wait_until(lambda: all(answers(uds, new, "/health/live") for _ in range(6)), 10)
        threads = [threading.Thread(target=hammer) for _ in range(2)]
        for thread in threads:
            thread.start()
        wait_until(lambda: len(statuses) > 20, 20)
        process.send_signal(signal.SIGTERM)
        for thread in threads:
            thread.join()
        process.communicate(timeout=30)
    assert set(statuses) == {200}
    assert ends == [FileNotFoundError] * 2  # no connection was reset, and new ones are refused
    assert not uds.exists()
