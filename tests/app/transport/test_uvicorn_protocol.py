"""uvicorn still has every name that the fast path uses: app.transport.uvicorn_protocol."""

import inspect
import re

import httptools
import pytest
from uvicorn.protocols.http import flow_control, httptools_impl
from uvicorn.server import ServerState

from app.transport import prepared_response
from app.transport.fast_path import FastPathProtocol
from app.transport.fast_path_cycle import FastPathCycle
from app.transport.framing import BoundedFraming
from app.transport.uvicorn_protocol import Cycle, CycleProtocol

FROM_UVICORN = {"url", "headers"}
"""Names that the bounds on framing declare and uvicorn sets."""
OWN = {
    *("read_at", "take", "choose_cycle", "fast_paths", "read_scheduler", "dispatcher", "connections"),
    *("waiting_since", "within_limit", "rejected", "running", "phase", "send_rejection", "write_response"),
    *("_check_head", "_reject_current", "_send_rejection", "begin", "is_free", "known_heads", "max_body_bytes"),
    *({*vars(BoundedFraming), *BoundedFraming.__annotations__} - FROM_UVICORN),
}
"""Names of ours on a protocol, its application or both."""
PROTOCOL_SOURCE = inspect.getsource(httptools_impl.HttpToolsProtocol)
CYCLE_SOURCE = inspect.getsource(httptools_impl.RequestResponseCycle)
ADVICE = "app/transport/uvicorn_protocol.py uses it; read it again before uvicorn is upgraded."


def used(variable: str, *classes: type) -> set[str]:
    """Attributes of a variable that the source of our classes names."""
    return {name for one in classes for name in re.findall(rf"{variable}\.(\w+)", inspect.getsource(one))}


def overridden() -> set[str]:
    return {name for name in vars(CycleProtocol) if not name.startswith("__")}


PROTOCOL_USES = (
    overridden()
    | used(r"\bself", CycleProtocol, FastPathProtocol)
    | used(r"super\(\)", CycleProtocol)
    | used(r"\bprotocol", Cycle, FastPathCycle)
) - OWN
CYCLE_USES = {
    *("message_event", "body", "more_body", "response_started", "response_complete", "disconnected", "keep_alive")
}


def test_the_names_are_found_in_our_source() -> None:
    some = {
        "_start_asgi_task",
        "url",
        "headers",
        "on_headers_complete",
        "server_state",
        "pipeline",
        "on_response_complete",
    }
    assert some <= PROTOCOL_USES


@pytest.mark.parametrize("name", sorted(PROTOCOL_USES))
def test_the_protocol_has(name: str) -> None:
    there = hasattr(httptools_impl.HttpToolsProtocol, name) or re.search(rf"self\.{name}\b[^=\n]*=", PROTOCOL_SOURCE)
    assert there, f"uvicorn's HttpToolsProtocol has no {name}: {ADVICE}"


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("data_received", ["self", "data"]),
        ("connection_lost", ["self", "exc"]),
        ("on_message_begin", ["self"]),
        ("on_headers_complete", ["self"]),
        ("on_message_complete", ["self"]),
        ("on_response_complete", ["self"]),
        ("shutdown", ["self"]),
        ("connection_made", ["self", "transport"]),
        ("on_body", ["self", "body"]),
        ("_start_asgi_task", ["self", "cycle", "app"]),
    ],
)
def test_the_protocol_is_called_with(name: str, parameters: list[str]) -> None:
    taken = list(inspect.signature(getattr(httptools_impl.HttpToolsProtocol, name)).parameters)
    assert taken == parameters, f"uvicorn's HttpToolsProtocol.{name} takes {taken}: {ADVICE}"


@pytest.mark.parametrize("name", sorted(CYCLE_USES))
def test_a_cycle_has(name: str) -> None:
    assert f"self.{name} =" in CYCLE_SOURCE, f"uvicorn's RequestResponseCycle has no {name}: {ADVICE}"


def test_uvicorns_cycle_writes_to_the_transport_that_it_is_given() -> None:
    assert {"scope", "transport"} <= set(re.findall(r"self\.(\w+) = \1", CYCLE_SOURCE)), ADVICE
    assert CYCLE_SOURCE.count(".write(") == CYCLE_SOURCE.count("self.transport.write("), ADVICE


def test_uvicorn_asks_its_cycle_for_nothing_that_ours_has_not() -> None:
    asked = set(re.findall(r"self\.cycle\.(\w+)", PROTOCOL_SOURCE))
    assert asked <= CYCLE_USES, f"uvicorn asks its cycle for {', '.join(sorted(asked - CYCLE_USES))}: {ADVICE}"
    assert {*vars(Cycle), *Cycle.__annotations__} >= CYCLE_USES


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        *[(httptools.HttpRequestParser, name) for name in sorted(used(r"\bparser", CycleProtocol))],
        (flow_control.FlowControl, "pause_writing"),
        (flow_control.FlowControl, "resume_reading"),
        (ServerState(), "default_headers"),
        (ServerState(), "connections"),
    ],
)
def test_its_parts_have(owner: object, name: str) -> None:
    assert hasattr(owner, name), f"{owner} has no {name}: {ADVICE}"


def test_its_constants_are_what_they_were() -> None:
    assert httptools_impl.STATUS_LINE[200] == prepared_response.STATUS_LINE, ADVICE
    assert flow_control.CLOSE_HEADER == (b"connection", b"close"), ADVICE
    assert "self.write_paused = " in inspect.getsource(flow_control.FlowControl), ADVICE
