"""Spans of requests: parents, children, attributes, sampling."""

import time
from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from app.observability.tracing import Tracer, epoch_ns

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
ATTRIBUTES = {"http.request.method": "POST"}


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


def test_a_time_of_the_measuring_clock_is_converted_to_nanoseconds_since_1970() -> None:
    before = time.time_ns()
    moment = time.perf_counter()
    after = time.time_ns()
    time.sleep(0.02)
    assert before - 10_000_000 <= epoch_ns(moment) <= after + 10_000_000
