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
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from app.observability.tracing import Tracer, create_tracer, epoch_ns, trace_id_of
from app.settings import SettingsError

ROOT = Path(__file__).parents[3]
TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
ATTRIBUTES = {"http.request.method": "POST"}


@pytest.fixture(autouse=True)
def _no_inherited_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ENDPOINT", "TRACES_ENDPOINT", "PROTOCOL", "TRACES_PROTOCOL"):
        monkeypatch.delenv(f"OTEL_EXPORTER_OTLP_{name}", raising=False)
    for name in ("TRACES_EXPORTER", "TRACES_SAMPLER", "SERVICE_NAME", "RESOURCE_ATTRIBUTES", "SDK_DISABLED"):
        monkeypatch.delenv(f"OTEL_{name}", raising=False)


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def tracer(exporter: InMemorySpanExporter) -> Iterator[Tracer]:
    tracer = Tracer(exporter)
    yield tracer
    tracer.close()


def finished(tracer: Tracer, exporter: InMemorySpanExporter) -> dict[str, ReadableSpan]:
    tracer.flush()
    return {span.name: span for span in exporter.get_finished_spans()}


def ids(span: ReadableSpan) -> tuple[str, str]:
    context = span.get_span_context()
    assert context is not None
    return f"{context.trace_id:032x}", f"{context.span_id:016x}"


def parent(span: ReadableSpan) -> str | None:
    return f"{span.parent.span_id:016x}" if span.parent else None


def test_a_request_is_a_server_span_that_continues_the_clients_trace(
    tracer: Tracer, exporter: InMemorySpanExporter
) -> None:
    span = tracer.start("POST", f"00-{TRACE}-{SPAN}-01", ATTRIBUTES)
    span.end(
        200, {"http.route": "/predict/arithmetic", "nalu.model": "sum", "nalu.rows": 3}, "POST /predict/arithmetic"
    )
    [(name, seen)] = finished(tracer, exporter).items()
    assert name == "POST /predict/arithmetic"
    assert seen.kind == SpanKind.SERVER
    assert ids(seen) == (TRACE, span.span_id) == (span.trace_id, span.span_id)
    assert parent(seen) == SPAN
    assert seen.attributes == {
        "http.request.method": "POST",
        "http.route": "/predict/arithmetic",
        "http.response.status_code": 200,
        "nalu.model": "sum",
        "nalu.rows": 3,
    }
    assert seen.status.status_code == StatusCode.UNSET


@pytest.mark.parametrize("traceparent", [None, "", "nonsense", f"ff-{TRACE}-{SPAN}-01", f"00-{'0' * 32}-{SPAN}-01"])
def test_without_a_valid_traceparent_a_new_trace_starts(
    tracer: Tracer, exporter: InMemorySpanExporter, traceparent: str | None
) -> None:
    spans = [tracer.start(name, traceparent, ATTRIBUTES) for name in ("one", "two")]
    for span in spans:
        span.end(200, {})
    seen = finished(tracer, exporter)
    assert [parent(seen[name]) for name in ("one", "two")] == [None, None]
    assert len({TRACE, *(span.trace_id for span in spans)}) == 3


def test_queue_and_compute_are_children_with_the_measured_times(tracer: Tracer, exporter: InMemorySpanExporter) -> None:
    span = tracer.start("POST", f"00-{TRACE}-{SPAN}-01", ATTRIBUTES)
    span.child("queue", 1_000, 2_500)
    span.child("compute", 2_500, 9_000)
    span.end(200, {})
    seen = finished(tracer, exporter)
    assert [(seen[name].start_time, seen[name].end_time) for name in ("queue", "compute")] == [
        (1_000, 2_500),
        (2_500, 9_000),
    ]
    for name in ("queue", "compute"):
        assert (ids(seen[name])[0], parent(seen[name])) == (TRACE, span.span_id)
        assert seen[name].kind == SpanKind.INTERNAL


@pytest.mark.parametrize(("status", "error"), [(200, None), (422, None), (499, None), (500, "500"), (503, "503")])
def test_only_server_failures_are_errors(
    tracer: Tracer, exporter: InMemorySpanExporter, status: int, error: str | None
) -> None:
    tracer.start("POST", None, ATTRIBUTES).end(status, {})
    [seen] = finished(tracer, exporter).values()
    assert seen.attributes is not None
    assert seen.attributes.get("error.type") == error
    assert seen.status.status_code == (StatusCode.ERROR if error else StatusCode.UNSET)


def test_an_unsampled_trace_is_not_recorded_and_keeps_its_id(tracer: Tracer, exporter: InMemorySpanExporter) -> None:
    span = tracer.start("POST", f"00-{TRACE}-{SPAN}-00", ATTRIBUTES)
    span.child("queue", 1, 2)
    span.end(500, {"nalu.rows": 1}, "POST /x")
    assert finished(tracer, exporter) == {}
    assert span.trace_id == TRACE
    assert span.span_id not in (SPAN, "0" * 16)


def test_the_variables_choose_the_sampler(monkeypatch: pytest.MonkeyPatch, exporter: InMemorySpanExporter) -> None:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
    tracer = Tracer(exporter)
    tracer.start("POST", None, ATTRIBUTES).end(200, {})
    assert finished(tracer, exporter) == {}
    tracer.close()


@pytest.mark.parametrize(
    ("variable", "value", "name"),
    [
        (None, "", "nalu-serve"),
        ("OTEL_SERVICE_NAME", "sums", "sums"),
        ("OTEL_RESOURCE_ATTRIBUTES", "service.name=ratios", "ratios"),
    ],
)
def test_the_service_name_is_nalu_serve_unless_the_variables_override_it(
    monkeypatch: pytest.MonkeyPatch, exporter: InMemorySpanExporter, variable: str | None, value: str, name: str
) -> None:
    if variable:
        monkeypatch.setenv(variable, value)
    tracer = Tracer(exporter)
    tracer.start("POST", None, ATTRIBUTES).end(200, {})
    [seen] = finished(tracer, exporter).values()
    assert seen.resource.attributes["service.name"] == name
    tracer.close()


@pytest.mark.parametrize(
    "value",
    [
        f"00-{TRACE}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-00",
        f"00-{TRACE}-{SPAN}-ff",
        f"cc-{TRACE}-{SPAN}-01",
        f"cc-{TRACE}-{SPAN}-01-what-the-future-will-be-like",
        f"01-{TRACE}-{SPAN}-03-",
    ],
)
def test_the_trace_id_of_this_and_later_versions_is_read(value: str) -> None:
    assert trace_id_of(value) == TRACE


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "00",
        f"00-{TRACE}-{SPAN}",
        f"00-{TRACE}-{SPAN}-",
        f"00-{TRACE}-{SPAN}-1",
        f"00-{TRACE}-{SPAN}-011",
        f"00-{TRACE}-{SPAN}-01-more",
        f"00-{TRACE}-{SPAN}-01-",
        f"cc-{TRACE}-{SPAN}-01.what",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE}-{SPAN.upper()}-01",
        f"0X-{TRACE}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-0g",
        f"00_{TRACE}_{SPAN}_01",
        f"00-{TRACE[:-1]}-{SPAN}-01",
        f"00-{TRACE}0-{SPAN}-01",
        f" 00-{TRACE}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01\n",
        f"00-{TRACE[:-1]}٣-{SPAN}-01",
    ],
)
def test_an_invalid_traceparent_has_no_trace_id(value: str | None) -> None:
    assert trace_id_of(value) is None


def test_a_time_of_the_measuring_clock_is_converted_to_nanoseconds_since_1970() -> None:
    before = time.time_ns()
    moment = time.perf_counter()
    after = time.time_ns()
    time.sleep(0.02)
    assert before - 10_000_000 <= epoch_ns(moment) <= after + 10_000_000


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"OTEL_TRACES_EXPORTER": ""},
        {"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": ""},
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
