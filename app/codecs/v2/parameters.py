"""The ``parameters`` of requests, inputs and outputs: those that are honoured, and those that are rejected.

Unknown parameters are ignored, as in Triton. Parameters that would change the meaning of the response are rejected:
sequences, priorities and shared memory.
"""

from typing import Any

from app.errors import InvalidInputError

Parameters = dict[str, Any] | None


def flag(parameters: Parameters, name: str) -> bool | None:
    """A boolean parameter; None where it is absent."""
    value = (parameters or {}).get(name)
    if value is not None and type(value) is not bool:
        raise InvalidInputError(f"Parameter '{name}' must be true or false.")
    return value


def integer(parameters: Parameters, name: str) -> int | None:
    """A parameter that is an integer of at least 0; None where it is absent."""
    value = (parameters or {}).get(name)
    if value is not None and (type(value) is not int or not 0 <= value < 2**63):
        raise InvalidInputError(f"Parameter '{name}' must be an integer of at least 0.")
    return value


def timeout_seconds(parameters: Parameters) -> float | None:
    """The client's timeout for the model. The protocol gives microseconds, and 0 for no limit."""
    microseconds = integer(parameters, "timeout")
    return microseconds / 1e6 if microseconds else None


def reject_sequences(parameters: Parameters) -> None:
    """Reject sequences and priorities: requests are independent of one another."""
    values = parameters or {}
    if values.get("sequence_id") not in (None, 0, "") or values.get("sequence_start") or values.get("sequence_end"):
        raise InvalidInputError("Parameter 'sequence_id' starts a sequence; the models are stateless, so leave it out.")
    if values.get("priority"):
        raise InvalidInputError("Parameter 'priority' must be 0 or left out: all requests have the same priority.")


def reject_shared_memory(parameters: Parameters, name: str) -> None:
    """Reject tensors in shared memory."""
    if parameters and any(key.startswith("shared_memory_") for key in parameters):
        raise InvalidInputError(
            f"'{name}' names a shared memory region, which this service does not read or write; "
            "send the tensor in the request and read it from the response."
        )
