"""OpenTelemetry traces: a span for each request, which continues the client's trace, and what it was spent on below it.

Only where OpenTelemetry's own variables ask for them, and only then is OpenTelemetry imported (``nalu-serve[otel]``):
``OTEL_EXPORTER_OTLP_ENDPOINT`` or ``OTEL_TRACES_EXPORTER=otlp`` sends them to a collector over HTTP, and
``OTEL_TRACES_EXPORTER=console`` writes them to standard output. Its other variables, such as ``OTEL_SERVICE_NAME``,
``OTEL_TRACES_SAMPLER`` and ``OTEL_BSP_...``, hold as well.
"""

import os
import sys
import threading
from collections.abc import Mapping
from time import perf_counter, time_ns
from typing import TYPE_CHECKING, Any

from app.observability.logs import parse_traceparent
from app.settings import SettingsError

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace.export import SpanExporter

SERVICE_NAME = "nalu-serve"
ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
PROTOCOL = "http/protobuf"
CLOSE_SECONDS = 3.0
"""Longest time that the end of the service waits for a collector that does not answer."""

Attributes = Mapping[str, str | int | float | bool]


class Tracer:
    """Starts spans, and hands those that have ended to exporters, in batches and in a thread of its own.

    Args:
        exporters: where spans go to.

    Raises:
        ImportError: OpenTelemetry is not installed.
    """

    def __init__(self, *exporters: "SpanExporter") -> None:
        from opentelemetry import context, trace
        from opentelemetry.sdk.resources import OTELResourceDetector, Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        # what the variables say of the service stands above our name for it
        resource = Resource.create({"service.name": SERVICE_NAME}).merge(OTELResourceDetector().detect())
        self._exporters = exporters
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        for exporter in exporters:
            self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self.spans = self._provider.get_tracer(SERVICE_NAME)
        """OpenTelemetry's own tracer."""
        self.api = trace
        """OpenTelemetry's own module."""
        # not the context of whoever else may use OpenTelemetry in this process
        self._nothing = context.Context()

    def start(self, name: str, traceparent: str | None, attributes: Attributes) -> "Span":
        """Start the span of a request.

        Args:
            name: of the span, such as ``POST /predict/arithmetic``.
            traceparent: the client's header; one that is not valid is ignored, and the span begins a trace of its own.
            attributes: what is known by now, such as ``http.request.method``.
        """
        return Span(self, name, self._remote(traceparent), attributes)

    def below(self, span: Any) -> "Context":
        """The context in which new spans are children of that span of OpenTelemetry's."""
        return self.api.set_span_in_context(span, self._nothing)

    def flush(self) -> None:
        """Hand over what has ended; blocks until that is done."""
        self._provider.force_flush()

    def close(self, seconds: float = CLOSE_SECONDS) -> None:
        """Hand over what has ended, and stop; blocks, but for a collector that does not answer no longer than given."""
        giving_up = threading.Timer(seconds, self._give_up)
        giving_up.daemon = True
        giving_up.start()
        self._provider.shutdown()
        giving_up.cancel()

    def _give_up(self) -> None:
        for exporter in self._exporters:
            exporter.shutdown()

    def _remote(self, traceparent: str | None) -> "Context":
        """The context of the caller's span."""
        parent = parse_traceparent(traceparent) if traceparent else None
        if parent is None:
            return self._nothing
        api, flags = self.api, self.api.TraceFlags(parent.flags)
        caller = api.SpanContext(int(parent.trace_id, 16), int(parent.span_id, 16), is_remote=True, trace_flags=flags)
        return self.below(api.NonRecordingSpan(caller))


class Span:
    """The span of one request. One that the sampler leaves out has its ids and costs nothing more.

    Args:
        tracer: what starts it.
        name: of the span.
        context: the caller's span, or nothing.
        attributes: what is known at the start.
    """

    def __init__(self, tracer: Tracer, name: str, context: "Context", attributes: Attributes) -> None:
        self._tracer = tracer
        self._span = tracer.spans.start_span(name, context, tracer.api.SpanKind.SERVER, attributes)
        own = self._span.get_span_context()
        self.trace_id = f"{own.trace_id:032x}"
        self.span_id = f"{own.span_id:016x}"

    def child(self, name: str, start_ns: int, end_ns: int) -> None:
        """Something that was done for the request, and when, in nanoseconds since 1970; see ``epoch_ns``."""
        if self._span.is_recording():
            below = self._tracer.below(self._span)
            self._tracer.spans.start_span(name, below, start_time=start_ns).end(end_ns)

    def end(self, status: int, attributes: Attributes, name: str | None = None) -> None:
        """End the span, once and after its children.

        Args:
            status: HTTP status of the answer; from 500 on the span is an error.
            attributes: what became known on the way.
            name: a better one, now that the route is known.
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
    """The tracer that OpenTelemetry's variables ask for; None where they ask for none.

    Args:
        environment: the variables; None takes the process's.

    Raises:
        SettingsError: OpenTelemetry is not installed, or a variable asks for what is not offered.
    """
    environment = os.environ if environment is None else environment
    if environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return None
    asking = next((name for name in ENDPOINTS if environment.get(name)), None)
    wanted = environment.get("OTEL_TRACES_EXPORTER", "").strip() or ("otlp" if asking else "none")
    names = [name.strip() for name in wanted.split(",") if name.strip() != "none"]
    if not names:
        return None
    try:
        return Tracer(*(_exporter(name, environment) for name in names))
    except ImportError as error:
        variable = "OTEL_TRACES_EXPORTER" if environment.get("OTEL_TRACES_EXPORTER") else asking
        raise SettingsError(
            f"{variable} is set, but OpenTelemetry is not installed: pip install 'nalu-serve[otel]', or unset it."
        ) from error


def epoch_ns(perf_counter_seconds: float) -> int:
    """A moment of ``time.perf_counter`` in nanoseconds since 1970, as spans want it."""
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
