"""Converts pydantic's validation errors to errors of the service, with long values left out."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from app.errors import InvalidInputError

MAX_ERRORS = 10
"""Errors listed in one response; a body of a million bad numbers gets no response of a million lines."""
MAX_VALUE_CHARACTERS = 40
"""Longest value that a message repeats."""
MAX_LOCATION_CHARACTERS = 100
"""Longest location that a message repeats; its parts may be keys that the client made up."""
_WITHOUT_VALUE = ("missing", "extra_forbidden", "json_invalid", "file")
"""Types of pydantic's errors that are not about the value."""


def invalid_body(error: ValidationError) -> InvalidInputError:
    """The error of a body that does not validate."""
    return invalid_input(error.errors(include_url=False, include_context=False), "body")


def invalid_input(errors: Sequence[Any], *root: str) -> InvalidInputError:
    """The error of an input with some errors of pydantic's.

    Args:
        errors: at least one, as pydantic lists them.
        root: first parts of each location.
    """
    listed = [
        {"location": _location((*root, *error["loc"])), "message": str(error["msg"]) + _value(error)}
        for error in errors[:MAX_ERRORS]
    ]
    more = f" ({len(errors) - 1} more such errors)" if len(errors) > 1 else ""
    return InvalidInputError(f"{listed[0]['location']}: {listed[0]['message']}.{more}", listed)


def _location(parts: tuple[int | str, ...]) -> str:
    location = ".".join(str(part) for part in parts)
    if len(location) <= MAX_LOCATION_CHARACTERS:
        return location
    return location[: MAX_LOCATION_CHARACTERS - 3] + "..."


def _value(error: Mapping[str, Any]) -> str:
    """The value, where a short one is at fault."""
    given = error["input"]
    if error["type"] in _WITHOUT_VALUE or not isinstance(given, str | int | float | None):
        return ""
    try:
        text = json.dumps(given, ensure_ascii=False)
    except ValueError:  # an integer of thousands of digits
        return ""
    return f", not {text}" if len(text) <= MAX_VALUE_CHARACTERS else ""
