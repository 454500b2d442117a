"""OpenTelemetry traces: a server span for each request, in the client's trace, with child spans for its phases.

Tracing is off, and OpenTelemetry (``nalu-serve[otel]``) not imported, unless its environment variables turn it on:
``OTEL_EXPORTER_OTLP_ENDPOINT`` or ``OTEL_TRACES_EXPORTER=otlp`` exports to a collector over HTTP, and
``OTEL_TRACES_EXPORTER=console`` to standard output. The SDK reads its other variables, such as ``OTEL_SERVICE_NAME``,
``OTEL_TRACES_SAMPLER`` and ``OTEL_BSP_...``, itself.
"""

import os
import re
import sys
import threading
from collections.abc import Mapping
from time import perf_counter, time_ns
from typing import TYPE_CHECKING, Any

from app.settings import SettingsError

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace.export import SpanExporter

SERVICE_NAME = "nalu-serve"
ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
PROTOCOL = "http/protobuf"
CLOSE_SECONDS = 3.0
"""Timeout of the last export at shutdown, for collectors that do not respond."""

_TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?", re.DOTALL)

Attributes = Mapping[str, str | int | float | bool]


class Tracer:
    """Starts spans, and exports ended ones in batches, in a thread of its own.

    Args:
        exporters: receive the ended spans.

    Raises:
        ImportError: OpenTelemetry is not installed.
    """

    def __init__(self, *exporters: "SpanExporter") -> None:
        from opentelemetry import context, trace
        from opentelemetry.sdk.resources import OTELResourceDetector, Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        # the variables override our service name
        resource = Resource.create({"service.name": SERVICE_NAME}).merge(OTELResourceDetector().detect())
        self._exporters = exporters
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        for exporter in exporters:
            self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self.spans = self._provider.get_tracer(SERVICE_NAME)
        """OpenTelemetry's tracer."""
        self.api = trace
        """The module ``opentelemetry.trace``."""
        self._propagator = TraceContextTextMapPropagator()
        # not the current context, which other users of OpenTelemetry in this process may have set
        self._no_parent = context.Context()

    def start(self, name: str, traceparent: str | None, attributes: Attributes) -> "Span":
        """Start the span of a request.

        Args:
            name: of the span, such as ``POST /predict/arithmetic``.
            traceparent: the client's header; an invalid one is ignored, and the span starts a new trace.
            attributes: known at the start, such as ``http.request.method``.
        """
        parent = self._propagator.extract({"traceparent": traceparent}, self._no_parent) if traceparent else None
        return Span(self, name, parent or self._no_parent, attributes)

    def child_context(self, span: Any) -> "Context":
        """The context in which new spans are children of the given span."""
        return self.api.set_span_in_context(span, self._no_parent)

    def flush(self) -> None:
        """Export the ended spans; blocks until done."""
        self._provider.force_flush()

    def close(self, seconds: float = CLOSE_SECONDS) -> None:
        """Export the ended spans and stop; blocks, but no longer than given if the collector does not respond."""
        timer = threading.Timer(seconds, self._abort_exports)
        timer.daemon = True
        timer.start()
        self._provider.shutdown()
        timer.cancel()

    def _abort_exports(self) -> None:
        for exporter in self._exporters:
            exporter.shutdown()


class Span:
    """The span of one request. If it is not sampled, it has ids and costs nothing more.

    Args:
        tracer: starts the span.
        name: of the span.
        context: the context of the client's span, or an empty one.
        attributes: known at the start.
    """

    def __init__(self, tracer: Tracer, name: str, context: "Context", attributes: Attributes) -> None:
        self._tracer = tracer
        self._span = tracer.spans.start_span(name, context, tracer.api.SpanKind.SERVER, attributes)
        own = self._span.get_span_context()
        self.trace_id = f"{own.trace_id:032x}"
        self.span_id = f"{own.span_id:016x}"

    def child(self, name: str, start_ns: int, end_ns: int) -> None:
        """Add a child span with its start and end in nanoseconds since 1970; see ``epoch_ns``."""
        if self._span.is_recording():
            parent = self._tracer.child_context(self._span)
            self._tracer.spans.start_span(name, parent, start_time=start_ns).end(end_ns)

    def end(self, status: int, attributes: Attributes, name: str | None = None) -> None:
        """End the span, once, after its children.

        Args:
            status: HTTP status of the response; from 500 on the span is an error.
            attributes: known at the end.
            name: the final name, with the route.
        """
        span = self._span
        if span.is_recording():
            span.set_attributes({**attributes, "http.response.status_code": status})
            if name:
                span.update_name(name)
            if status >= 500:
                span.set_attribute("error.type", str(status))
                span.set_status(self._tracer.api.StatusCode.ERROR)
            span.end()


def create_tracer(environment: Mapping[str, str] | None = None) -> Tracer | None:
    """The tracer that OpenTelemetry's variables configure; None where tracing is off.

    Args:
        environment: the variables; None takes the process's.

    Raises:
        SettingsError: OpenTelemetry is not installed, or a variable has an unsupported value.
    """
    environment = os.environ if environment is None else environment
    # OpenTelemetry's specification: an empty variable is an unset one
    environment = {name: stripped for name, value in environment.items() if (stripped := value.strip())}
    if environment.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return None
    endpoint_variable = next((name for name in ENDPOINTS if name in environment), None)
    exporters = environment.get("OTEL_TRACES_EXPORTER") or ("otlp" if endpoint_variable else "none")
    names = [name.strip() for name in exporters.split(",") if name.strip() != "none"]
    if not names:
        return None
    try:
        return Tracer(*(_exporter(name, environment) for name in names))
    except ImportError as error:
        variable = "OTEL_TRACES_EXPORTER" if "OTEL_TRACES_EXPORTER" in environment else endpoint_variable
        raise SettingsError(
            f"{variable} is set, but OpenTelemetry is not installed: pip install 'nalu-serve[otel]', or unset it."
        ) from error


def trace_id_of(traceparent: str | None) -> str | None:
    """The trace id of a ``traceparent`` header; None where it is missing or invalid by W3C Trace Context.

    Needs no OpenTelemetry: requests take their id from it whether or not they are traced.
    """
    match = _TRACEPARENT.fullmatch(traceparent) if traceparent else None
    if match is None:
        return None
    version, trace_id, span_id, more = match.groups()
    # of later versions than 00, the recommendation has parsers skip whatever follows the flags
    valid = version != "ff" and not (version == "00" and more) and trace_id.strip("0") and span_id.strip("0")
    return trace_id if valid else None


def epoch_ns(perf_counter_seconds: float) -> int:
    """A time of ``time.perf_counter`` in nanoseconds since 1970, as spans need it."""
    return time_ns() - int((perf_counter() - perf_counter_seconds) * 1e9)


def _exporter(name: str, environment: Mapping[str, str]) -> "SpanExporter":
    if name == "console":
        from opentelemetry.sdk.trace.export import ConsoleSpanExporter

        return ConsoleSpanExporter(out=sys.stdout)
    if name != "otlp":
        raise SettingsError(f"OTEL_TRACES_EXPORTER is '{name}'; available: otlp, console, none.")
    for variable in PROTOCOLS:
        if environment.get(variable, PROTOCOL) != PROTOCOL:
            raise SettingsError(f"{variable} is '{environment[variable]}'; available: {PROTOCOL}.")
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    return OTLPSpanExporter()
