"""OpenTelemetry's environment variables turn tracing on and choose the exporter."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from app.observability.tracing import create_tracer
from app.settings import SettingsError

ROOT = Path(__file__).parents[3]
TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
ATTRIBUTES = {"http.request.method": "POST"}


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"OTEL_TRACES_EXPORTER": ""},
        {"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": ""},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": " ", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "\n"},
        {"OTEL_TRACES_EXPORTER": " none\n", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_SDK_DISABLED": "true\n"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_SDK_DISABLED": "TRUE"},
    ],
)
def test_without_configuration_there_is_no_tracer(environment: dict[str, str]) -> None:
    assert create_tracer(environment) is None


def test_without_configuration_opentelemetry_is_not_imported() -> None:
    code = (
        "import sys; from app.observability.tracing import create_tracer; assert create_tracer({}) is None; "
        "print([name for name in sys.modules if name.startswith('opentelemetry')])"
    )
    command = [sys.executable, "-c", code]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    assert ended.stdout == "[]\n"


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        (
            {"OTEL_TRACES_EXPORTER": "zipkin"},
            "OTEL_TRACES_EXPORTER is 'zipkin'; available: otlp, console, none.",
        ),
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
            "OTEL_EXPORTER_OTLP_PROTOCOL is 'grpc'; available: http/protobuf.",
        ),
        (
            {"OTEL_TRACES_EXPORTER": "console,otlp", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/json"},
            "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL is 'http/json'; available: http/protobuf.",
        ),
    ],
)
def test_an_unsupported_value_stops_the_start(environment: dict[str, str], message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        create_tracer(environment)
    assert str(caught.value) == message


@pytest.mark.parametrize("protocol", ["", " ", "http/protobuf\n"])
def test_an_empty_protocol_is_the_default_and_blanks_around_one_do_not_count(protocol: str) -> None:
    endpoint = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}
    tracer = create_tracer(endpoint | {"OTEL_EXPORTER_OTLP_PROTOCOL": protocol})
    assert tracer is not None
    tracer.close()


@pytest.mark.parametrize(
    ("environment", "variable"),
    [
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}, "OTEL_EXPORTER_OTLP_ENDPOINT"),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:1"}, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"),
        ({"OTEL_TRACES_EXPORTER": "console"}, "OTEL_TRACES_EXPORTER"),
    ],
)
@pytest.mark.parametrize("missing", ["opentelemetry", "opentelemetry.sdk"])
def test_a_missing_installation_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], variable: str, missing: str
) -> None:
    for name in [name for name in sys.modules if name == missing or name.startswith(f"{missing}.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(SettingsError) as caught:
        create_tracer(environment)
    assert str(caught.value) == (
        f"{variable} is set, but OpenTelemetry is not installed: pip install 'nalu-serve[otel]', or unset it."
    )


class _Collector(BaseHTTPRequestHandler):
    received: list[tuple[str, bytes]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.received.append((self.path, body))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002
        """Nothing."""


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, bytes]]]:
    """Path and body of every request to a collector, which the variables configure."""
    received: list[tuple[str, bytes]] = []
    server = HTTPServer(("127.0.0.1", 0), type("Collector", (_Collector,), {"received": received}))
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield received
    server.shutdown()
    thread.join()
    server.server_close()


def test_ended_spans_are_sent_to_the_collector_when_the_tracer_is_closed(collector: list[tuple[str, bytes]]) -> None:
    tracer = create_tracer()
    assert tracer is not None
    span = tracer.start("POST /predict/arithmetic", f"00-{TRACE}-{SPAN}-01", ATTRIBUTES)
    span.child("compute", 1, 2)
    span.end(200, {})
    tracer.close()
    [(path, body)] = collector
    assert path == "/v1/traces"
    [resource] = ExportTraceServiceRequest.FromString(body).resource_spans
    [scope] = resource.scope_spans
    sent = {span.name: (span.trace_id.hex(), span.parent_span_id.hex()) for span in scope.spans}
    assert sent == {"POST /predict/arithmetic": (TRACE, SPAN), "compute": (TRACE, span.span_id)}


def test_the_console_exporter_prints_spans(capsys: pytest.CaptureFixture[str]) -> None:
    tracer = create_tracer({"OTEL_TRACES_EXPORTER": "console"})
    assert tracer is not None
    tracer.start("POST /predict/arithmetic", None, ATTRIBUTES).end(200, {})
    tracer.close()
    assert json.loads(capsys.readouterr().out)["name"] == "POST /predict/arithmetic"


def test_an_unreachable_collector_does_not_delay_the_shutdown(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    tracer = create_tracer()
    assert tracer is not None
    tracer.start("POST", None, ATTRIBUTES).end(200, {})
    started = time.monotonic()
    tracer.close(seconds=0.2)
    assert time.monotonic() - started < 3  # left alone, the exporter would try for ten seconds
    assert any("Connection refused" in message for message in caplog.messages)
