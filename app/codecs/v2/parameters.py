"""The ``parameters`` of requests, inputs and outputs: what is honoured, and what is refused because it cannot be.

Parameters that nobody here knows change nothing, as with Triton, whose backends may read them and mostly do not. Those
that would change the meaning of the answer are refused: sequences, priorities and shared memory.
"""

from typing import Any

from app.errors import InvalidInputError

Given = dict[str, Any] | None


def flag(parameters: Given, name: str) -> bool | None:
    """A parameter that is true or false; None where it is not given."""
    value = (parameters or {}).get(name)
    if value is not None and type(value) is not bool:
        raise InvalidInputError(f"Parameter '{name}' must be true or false.")
    return value


def whole_number(parameters: Given, name: str) -> int | None:
    """A parameter that is a whole number from 0 on; None where it is not given."""
    value = (parameters or {}).get(name)
    if value is not None and (type(value) is not int or not 0 <= value < 2**63):
        raise InvalidInputError(f"Parameter '{name}' must be a whole number from 0 on.")
    return value


def timeout_seconds(parameters: Given) -> float | None:
    """How long the client wants to wait for the model. The protocol gives microseconds, and 0 for no limit."""
    microseconds = whole_number(parameters, "timeout")
    return microseconds / 1e6 if microseconds else None


def refuse_sequences(parameters: Given) -> None:
    """Refuse what asks that requests be tied to, or put before, one another: each is answered for itself."""
    given = parameters or {}
    if given.get("sequence_id") not in (None, 0, "") or given.get("sequence_start") or given.get("sequence_end"):
        raise InvalidInputError(
            "Parameter 'sequence_id' ties requests together; the models keep no state, so leave it out."
        )
    if given.get("priority"):
        raise InvalidInputError("Parameter 'priority' must be 0 or left out: all requests have the same priority.")


def refuse_shared_memory(parameters: Given, name: str) -> None:
    """Refuse tensors that lie elsewhere than in the request."""
    if parameters and any(key.startswith("shared_memory_") for key in parameters):
        raise InvalidInputError(
            f"'{name}' names a shared memory region, which this service does not read or write; "
            "send the tensor in the request and take it from the answer."
        )
