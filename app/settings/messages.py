"""Messages about invalid settings: the variable, its value, the rule, the repair."""

from collections.abc import Callable
from typing import Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo

MAX_VALUE_CHARACTERS = 100
"""Longest value that a message repeats."""


def invalid_setting(name: str, value: object, field: FieldInfo | None, problem: str, *, file: str | None) -> str:
    """The sentence on an invalid setting.

    Args:
        name: of the variable.
        value: that it has.
        field: the setting; None: there is none of that name.
        problem: why it is invalid, in the words of its validator, where the setting has no rule of its own.
        file: the settings file that sets it; None: the environment.
    """
    shown = repr(value)
    if len(shown) > MAX_VALUE_CHARACTERS:
        shown = f"{shown[:MAX_VALUE_CHARACTERS]}..."
    place = f" in {file}" if file else ""
    rule = None if field is None or problem.startswith("Value error, ") else _rule(field)
    if field is None or rule is None:
        return f"{name} is {shown}{place}: {problem.removeprefix('Value error, ')}."
    return f"{name} is {shown}{place}: must be {rule}; correct it, or leave it out for {_shown(field.default)}."


def _rule(field: FieldInfo) -> str | None:
    kind: Any = field.annotation
    if get_origin(kind) is Literal:
        choices = [repr(choice) for choice in get_args(kind)]
        return f"{', '.join(choices[:-1])} or {choices[-1]}"
    names = {bool: "a boolean, true or false", int: "an integer", float: "a finite number"}
    return f"{names[kind]}{_bounds(field)}" if kind in names else None


def _bounds(field: FieldInfo) -> str:
    bound: Callable[[str], Any] = lambda name: next(  # noqa: E731
        (getattr(part, name) for part in field.metadata if getattr(part, name, None) is not None), None
    )
    least, above, most = bound("ge"), bound("gt"), bound("le")
    if least is not None and most is not None:
        return f" from {least} to {most}"
    if above is not None:
        return f" greater than {above}"
    return "" if least is None else f" of at least {least}"


def _shown(default: object) -> str:
    if isinstance(default, bool):
        return str(default).lower()
    return f"{default:g}" if isinstance(default, float) else str(default)
