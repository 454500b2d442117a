"""Reads a form such as ``a*x + b*exp(-c*t)``: by Python's grammar, of which only arithmetic is accepted."""

import ast
import math
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from models.functions import BINARY, FUNCTIONS
from training.symbolic.forms.nodes import Column, Constant, FunctionNode, Node, Number, Operation, nodes

MAX_CHARACTERS, MAX_DEPTH, MAX_CONSTANTS = 1_000, 100, 20
EXAMPLE = '"a*x + b*exp(-c*t)"'
ALIASES = {"ln": "log", "asin": "arcsin", "acos": "arccos", "atan": "arctan", "fabs": "abs", "minimum": "min"}
ALIASES |= {"maximum": "max"}
_OPERATORS = {ast.Add: "+", ast.Mult: "*", ast.Div: "/", ast.Pow: "**"}
QUOTED = r'"[^"]*"|\'[^\']*\''
_SHOWN = 60
"""Most characters of a form that a message repeats."""


@dataclass(frozen=True)
class Form:
    """A formula with free constants.

    Args:
        text: as it was given.
        root: the formula.
        columns: names of the columns that it may use, in the table's order.
        constants: names of the free constants, in the order in which they appear.
    """

    text: str
    root: Node
    columns: tuple[str, ...]
    constants: tuple[str, ...]

    @property
    def used(self) -> list[str]:
        """Names of the columns that it uses, in the table's order."""
        places = {node.place for node in nodes(self.root) if isinstance(node, Column)}
        return [self.columns[place] for place in sorted(places)]


def parse_form(text: str, columns: Sequence[str]) -> Form:
    """The form that a text writes: names of columns are columns, ``pi`` is a number, other names are free constants.

    Powers are ``**`` or ``^``; a column whose name is no word stands in quotation marks.

    Raises:
        ValueError: it does not parse, names an unknown function or no column, or is too long; the message begins with
            ``form``.
    """
    if len(text) > MAX_CHARACTERS:
        raise _error(text, f"has {len(text)} characters; a form has at most {MAX_CHARACTERS}, so shorten it")
    if "#" in re.sub(QUOTED, "", text):
        raise _error(text, "holds '#'; put the name of a column that has one in quotation marks")
    reader = _Reader(text, {_normal(name): place for place, name in enumerate(columns)})
    try:
        tree = ast.parse(_python(text), mode="eval")
        root = reader.read(tree.body, 0)
    except (SyntaxError, RecursionError, MemoryError) as error:
        raise _error(text, _unreadable(text, error)) from error
    if not any(isinstance(node, Column) for node in nodes(root)):
        raise _error(text, f"has no column of the table; use at least one of {', '.join(columns)}")
    if len(reader.constants) > MAX_CONSTANTS:
        raise _error(
            text,
            f"has {len(reader.constants)} free constants ({', '.join(reader.constants)}); at most {MAX_CONSTANTS} can "
            f"be fitted, so give numbers for some, or check that the names of columns are {', '.join(columns)}",
        )
    return Form(text, root, tuple(columns), tuple(reader.constants))


def _python(text: str) -> str:
    """The text on one line, with ``^`` as ``**``, but in quotation marks."""
    text = " ".join(text.split())
    return re.sub(rf"{QUOTED}|\^", lambda match: "**" if match[0] == "^" else match[0], text)


def _normal(name: str) -> str:
    """A name as Python reads it."""
    return unicodedata.normalize("NFKC", name)


def _unreadable(text: str, error: BaseException) -> str:
    if "=" in text:
        return f"holds '='; give only what stands to its right, such as {EXAMPLE}"
    if factors := re.search(r"\d\s*[A-Za-z_(]\w*|\)\s*[\w(]|\w\s+\w", text):
        return f"cannot be read near '{factors[0]}'; write * between factors, as in {EXAMPLE}"
    place = getattr(error, "offset", None)
    where = f" at character {min(place, len(text))}" if place and "^" not in text else ""
    return f"cannot be read{where}; write columns, numbers and names of constants with + - * / ** and ( ), as {EXAMPLE}"


def _error(text: str, problem: str) -> ValueError:
    shown = text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."
    return ValueError(f"form '{shown}' {problem}.")


class _Reader:
    """Turns Python's tree into a form's; numbers the free constants as they appear."""

    def __init__(self, text: str, columns: dict[str, int]) -> None:
        self.text, self.columns = text, columns
        self.constants: list[str] = []

    def read(self, node: ast.expr, depth: int) -> Node:
        if depth > MAX_DEPTH:
            raise _error(self.text, f"is nested deeper than {MAX_DEPTH} levels; write it shorter")
        function = getattr(node, "func", None)
        if isinstance(function, ast.Name) and not getattr(node, "keywords", None):
            return self.applied(function.id, getattr(node, "args", []), depth)
        match node:
            case ast.BinOp(left, ast.Sub(), right):
                return Operation("+", self.read(left, depth + 1), _negative(self.read(right, depth + 1)))
            case ast.BinOp(left, operator, right) if type(operator) in _OPERATORS:
                name = _OPERATORS[type(operator)]
                return Operation(name, self.read(left, depth + 1), self.read(right, depth + 1))
            case ast.UnaryOp(ast.USub(), operand):
                return _negative(self.read(operand, depth + 1))
            case ast.UnaryOp(ast.UAdd(), operand):
                return self.read(operand, depth + 1)
            case ast.Name(name):
                return self.named(name)
            case ast.Constant(value):
                return self.constant(value)
        raise _error(
            self.text,
            f"holds '{ast.unparse(node)[:_SHOWN]}'; only + - * / ** ( ) and functions such as exp and sin are possible",
        )

    def named(self, name: str) -> Node:
        if name in self.columns:
            return Column(self.columns[name])
        if name == "pi":
            return Number(math.pi)
        if name not in self.constants:
            self.constants.append(name)
        return Constant(self.constants.index(name))

    def constant(self, value: object) -> Node:
        if isinstance(value, str):
            if _normal(value) not in self.columns:
                raise _error(
                    self.text, f"names the column '{value}', which the table lacks; it has {', '.join(self.columns)}"
                )
            return Column(self.columns[_normal(value)])
        if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 1e300:
            raise _error(self.text, f"holds {str(value)[:_SHOWN]}, which is no number of usual size; replace it")
        return Number(float(value))

    def applied(self, name: str, arguments: list[ast.expr], depth: int) -> Node:
        function = ALIASES.get(name, name)
        counts = {"sqrt": 1} | {known: 1 + (known in BINARY) for known in FUNCTIONS if known != "identity"}
        if function not in counts:
            known = ", ".join(counts)
            raise _error(
                self.text, f"names the function '{name}', which is unknown; use one of {known}, or * to multiply"
            )
        if len(arguments) != counts[function]:
            raise _error(
                self.text, f"gives {name} {len(arguments)} arguments; it takes {counts[function]}, so correct them"
            )
        inner = tuple(self.read(argument, depth + 1) for argument in arguments)
        return Operation("**", inner[0], Number(0.5)) if function == "sqrt" else FunctionNode(function, inner)


def _negative(node: Node) -> Node:
    return Number(-node.value) if isinstance(node, Number) else Operation("*", Number(-1.0), node)
