"""HAProxy with the configuration of deploy/compose: what it sends again, what it does not, and that its times fit."""

import json
import os
import re
import shutil
import socketserver
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from http.client import HTTPConnection, HTTPException, HTTPResponse
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, ClassVar

import pytest
import yaml

from app.settings import Settings
from benchmarks.cluster.client import PATIENCE_SECONDS
from benchmarks.cluster.haproxy import compose_settings
from benchmarks.cluster.name_server import name_server
from benchmarks.serving.servers import free_port

ROOT = Path(__file__).parents[2]
CONFIGURATION = ROOT / "deploy" / "compose" / "haproxy.cfg"
TEXT = CONFIGURATION.read_text(encoding="utf-8")
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
SETTINGS = Settings(**{name.removeprefix("NALU_").lower(): value for name, value in compose_settings().items()})
LARGEST_REPLAYED = 98_304
ADDRESSES = ("127.0.0.31", "127.0.0.32")
needs_haproxy = pytest.mark.skipif(shutil.which("haproxy") is None, reason="haproxy is not installed")


def seconds(text: str) -> float:
    """A time of HAProxy or compose."""
    number, unit = re.fullmatch(r"(\d+)(ms|s|d)", text).groups()  # type: ignore[union-attr]
    return int(number) * {"ms": 0.001, "s": 1, "d": 86400}[unit]


def option(name: str) -> str:
    """The word after a name, the only one of its kind in the configuration."""
    [found] = set(re.findall(rf"^ *[^#\n]*\b{re.escape(name)} (\S+)", TEXT, re.MULTILINE))
    return str(found)


@needs_haproxy
def test_haproxy_takes_the_configuration() -> None:
    done = subprocess.run(["haproxy", "-c", "-f", CONFIGURATION], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "[WARNING]" not in done.stderr


def test_a_service_that_works_answers_before_the_balancer_gives_it_up() -> None:
    waits = seconds(option("timeout server"))
    assert SETTINGS.max_queue_delay_seconds < SETTINGS.request_timeout_seconds < waits
    assert waits + SETTINGS.max_queue_delay_seconds < PATIENCE_SECONDS
    assert seconds(option("timeout client")) > SETTINGS.send_timeout_seconds


def test_the_balancer_notices_a_service_that_drains_before_it_stops_accepting() -> None:
    noticed = seconds(option("inter")) + (int(option("fall")) - 1) * seconds(option("fastinter"))
    assert noticed < SETTINGS.shutdown_grace_seconds


def test_containers_get_the_time_that_draining_takes() -> None:
    stop = seconds(SERVICES["serve"]["stop_grace_period"])
    assert stop > SETTINGS.shutdown_grace_seconds + SETTINGS.shutdown_timeout_seconds
    assert seconds(SERVICES["balancer"]["stop_grace_period"]) > seconds(option("hard-stop-after"))


def test_a_replayed_request_fits_in_the_buffer_with_its_head() -> None:
    largest = int(option("req.body_size gt"))
    assert largest == LARGEST_REPLAYED
    assert largest + 8192 <= int(option("tune.bufsize")) - int(option("tune.maxrewrite"))


def test_compose_runs_the_balancer_as_unprivileged_as_the_services() -> None:
    for name in ("serve", "balancer"):
        assert SERVICES[name]["profiles"] == ["cluster"]
        assert SERVICES[name]["read_only"]
        assert SERVICES[name]["cap_drop"] == ["ALL"]
    [mount] = SERVICES["balancer"]["volumes"]
    assert (ROOT / mount.split(":")[0]).samefile(CONFIGURATION)


def test_ports_and_names_of_compose_are_those_of_the_configuration() -> None:
    inside = {int(port.rpartition(":")[2]) for port in SERVICES["balancer"]["ports"]}
    assert inside == {int(port) for port in re.findall(r"BIND-:(\d+)", TEXT)}
    assert "ports" not in SERVICES["serve"]
    names = {"serve", *SERVICES["serve"]["networks"]["default"]["aliases"]}
    assert set(re.findall(r'"\$\{\w+-(\w+):8000\}"', TEXT)) == names
    assert Settings.model_fields["port"].default == 8000


class FlakyService(BaseHTTPRequestHandler):
    """Healthy; it ends the connection at the first request for a path, and answers the second with its headers."""

    protocol_version = "HTTP/1.1"
    received: ClassVar[Counter[str]] = Counter()

    def do_GET(self) -> None:
        self._respond() if self.path == "/health/ready" else self._fail_first()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._fail_first()

    def _fail_first(self) -> None:
        self.received[self.path] += 1
        if self.received[self.path] > 1:
            self._respond()
        else:
            self.close_connection = True

    def _respond(self) -> None:
        content = json.dumps(self.headers.items()).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


@contextmanager
def balancer(**variables: str) -> Iterator[tuple[int, int]]:
    """The ports of a balancer before two flaky services, and of its statistics."""
    balancer, statistics, service, names = (free_port() for _ in range(4))
    variables |= {
        "NALU_BIND": f"127.0.0.1:{balancer}",
        "NALU_STATS_BIND": f"127.0.0.1:{statistics}",
        "NALU_SERVE": f"serve:{service}",
        "NALU_SPARE": f"nalu:{service}",
        "NALU_DNS": f"127.0.0.1:{names}",
    }
    with ExitStack() as stack:
        for address in ADDRESSES:
            server = stack.enter_context(Server((address, service), FlakyService))
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
            stack.callback(server.shutdown)
        stack.enter_context(name_server(variables["NALU_DNS"], ADDRESSES))
        quiet = subprocess.DEVNULL
        command = ["haproxy", "-db", "-f", str(CONFIGURATION)]
        process = subprocess.Popen(command, env={**os.environ, **variables}, stdout=quiet, stderr=quiet)
        stack.callback(process.wait)
        stack.callback(process.kill)
        wait_until_healthy(balancer)
        yield balancer, statistics


@pytest.fixture(scope="module")
def ports() -> Iterator[tuple[int, int]]:
    """Those of a balancer."""
    with balancer() as found:
        yield found


def wait_until_healthy(port: int) -> None:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        with suppress(OSError, HTTPException):
            if ask(port, "GET", "/health/ready").status == 200:
                return
        time.sleep(0.05)
    raise AssertionError("HAProxy does not forward requests.")


def ask(port: int, method: str, path: str, body: bytes | None = None, *headers: tuple[str, str]) -> HTTPResponse:
    """One request on a connection of its own; the response's body stays readable as ``response.body``."""
    connection = HTTPConnection("127.0.0.1", port, timeout=20)
    connection.putrequest(method, path)
    for name, value in [("Content-Length", str(len(body or b""))), *headers]:  # of which one may come several times
        connection.putheader(name, value)
    connection.endheaders(body)
    response = connection.getresponse()
    response.body = response.read()  # type: ignore[attr-defined]
    connection.close()
    return response


@needs_haproxy
@pytest.mark.slow
@pytest.mark.parametrize("size", [2, LARGEST_REPLAYED])
def test_a_prediction_whose_service_dies_is_answered_by_another(ports: tuple[int, int], size: int) -> None:
    path = f"/predict/arithmetic?{size}"
    assert ask(ports[0], "POST", path, b"x" * size).status == 200
    assert FlakyService.received[path] == 2


@needs_haproxy
@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "size"),
    [
        ("/v2/repository/models/add/load", 2),
        ("/v2/%72epository/models/add/unload", 2),
        ("/predict/image", LARGEST_REPLAYED + 1),
    ],
)
def test_what_changes_a_service_or_is_too_large_is_never_sent_twice(
    ports: tuple[int, int], path: str, size: int
) -> None:
    response = ask(ports[0], "POST", path, b"x" * size)
    assert (response.status, FlakyService.received[path]) == (502, 1)
    problem = json.loads(response.body)  # type: ignore[attr-defined]
    assert response.headers["Content-Type"] == "application/problem+json"
    assert problem["detail"] == problem["error"] == "The service ended before its response; send the request again."
    assert problem["request_id"]


@needs_haproxy
@pytest.mark.slow
@pytest.mark.parametrize("path", ["/metrics", "/%6detrics", "/metrics/"])
def test_metrics_of_the_services_are_not_forwarded(ports: tuple[int, int], path: str) -> None:
    response = ask(ports[0], "GET", path)
    assert (response.status, FlakyService.received[path]) == (404, 0)


@needs_haproxy
@pytest.mark.slow
def test_the_balancer_counts_what_it_sent_again(ports: tuple[int, int]) -> None:
    ask(ports[0], "POST", "/predict/arithmetic?counted", b"{}")
    metrics = ask(ports[1], "GET", "/metrics").body.decode()  # type: ignore[attr-defined]
    [retried] = re.findall(r'haproxy_backend_retry_warnings_total\{proxy="replay"\} (\d+)', metrics)
    assert int(retried) >= 1


@needs_haproxy
@pytest.mark.slow
def test_what_a_client_says_of_itself_is_replaced_by_what_the_balancer_knows(ports: tuple[int, int]) -> None:
    forged = [
        *(("X-Forwarded-For", "203.0.113.9"), ("x-forwarded-for", "203.0.113.10")),
        *(("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "evil.example"), ("X-Forwarded-Prefix", "/evil")),
        ("Forwarded", "for=203.0.113.9;proto=https"),
    ]
    response = ask(ports[0], "POST", "/predict/arithmetic?forged", b"{}", *forged)
    received = json.loads(response.body)  # type: ignore[attr-defined]
    assert sorted((name.lower(), value) for name, value in received if "forwarded" in name.lower()) == [
        ("x-forwarded-for", "127.0.0.1"),
        ("x-forwarded-proto", "http"),
    ]


@needs_haproxy
@pytest.mark.slow
def test_rules_for_paths_hold_below_the_root_path_of_the_services_too() -> None:
    with balancer(NALU_ROOT_PATH="/nalu/") as (port, _):
        for path, status, received in [
            ("/nalu/metrics", 404, 0),
            ("/metrics?rooted", 404, 0),
            ("/%6ealu/v2/repository/models/add/load", 502, 1),
            ("/v2/repository/models/add/load?rooted", 502, 1),
            ("/nalu/v2/models/add/infer", 200, 2),
        ]:
            assert (ask(port, "POST", path, b"{}").status, FlakyService.received[path]) == (status, received)
