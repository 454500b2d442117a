"""Random laws with exponentials, logarithms, waves and roots, as textbooks hold them, and tables that follow them.

A table has five to eight columns, of which the law takes some. Numbers of a law have three digits. The table's points
lie in ranges in which the argument of the function varies as it does in practice.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from benchmarks.laws.generate import POINTS, ROWS, Case
from benchmarks.laws.unary_forms import EXPONENTIALS, ROOTS, WAVES, Form
from models.arrays import BoolArray, FloatArray

NAMES = tuple("abcdefgh")
SAMPLE = 400
LARGEST, SMALLEST = 1e12, 1e-12
"""Values of a law in its table, of which the median is between these."""
NEAR_ZERO = 1e-2
"""Rows with less than this share of the median magnitude are left out: no relative error holds near a zero."""
MATTERS = 0.02
"""Relative change of the median row, at least, where a column is shuffled."""
TRIES, TABLES = 20, 300
"""Forms that are drawn until one has a sound table, and tables of each."""
_FUNCTIONS = {
    "exp": np.exp, "log": np.log, "sin": np.sin, "cos": np.cos, "tan": np.tan, "tanh": np.tanh, "sqrt": np.sqrt,
    "arcsin": np.arcsin, "arccos": np.arccos, "arctan": np.arctan,
}  # fmt: skip


@dataclass(frozen=True)
class ExpressionLaw:
    """A law as text, such as ``0.5*a*exp(-b/c)``, of the columns ``a`` to ``h``."""

    text: str

    def __call__(self, inputs: FloatArray) -> FloatArray:
        return values(self.text, inputs)

    def __str__(self) -> str:
        return self.text

    def regular(self, inputs: FloatArray) -> BoolArray:
        """Rows at which the law is finite, real and not nearly 0."""
        y = np.abs(self(inputs))
        finite = np.isfinite(y)
        return np.asarray(finite & (y > NEAR_ZERO * np.median(y[finite]))) if finite.any() else finite


_ARGUMENTS = ("k*C", "C", "k*C*D", "C/D", "k*C/D", "C*D/E", "k*C + l", "k*C + l*D", "C + k*D", "C*D + k")
_RANGES = {
    "exp": (0.5, 5.0), "log": (0.5, 8.0), "sin": (1.0, 10.0), "cos": (1.0, 10.0), "tan": (0.4, 1.3),
    "tanh": (0.5, 2.5), "arctan": (0.5, 5.0), "arcsin": (0.3, 1.5), "arccos": (0.3, 1.5),
}  # fmt: skip


def values(text: str, inputs: FloatArray) -> FloatArray:
    """An expression's values, ``(rows,)``; not finite where it has none."""
    columns = dict(zip(NAMES, inputs.T, strict=False))
    with np.errstate(all="ignore"):
        found = eval(text, {"__builtins__": {}}, _FUNCTIONS | columns)
    return np.broadcast_to(np.asarray(found, dtype=np.float64), len(inputs))


def form_case(random: np.random.Generator, *, forms: Sequence[Form]) -> Case:
    """A law of one of some forms, drawn until its table and points beyond it are sound."""
    return _case(random, lambda: forms[int(random.integers(len(forms)))])


def power_unary_case(random: np.random.Generator) -> Case:
    """A number, powers of one or two columns, and a function of a product or a short sum."""

    def form() -> Form:
        name, argument = str(random.choice(list(_RANGES))), str(random.choice(_ARGUMENTS))
        powers = [f"{column}**{random.choice([-2, -1.5, -1, -0.5, 0.5, 1, 1.5, 2]):g}" for column in "AB"]
        powers = [power.removesuffix("**1") for power in powers]
        outer = "*".join(["n", *powers[: int(random.integers(1, 3))]])
        return Form(f"{outer}*{name}({argument})", argument, *_RANGES[name])

    return _case(random, form)


def _case(random: np.random.Generator, drawn: Callable[[], Form]) -> Case:
    for _ in range(TRIES):
        form = drawn()
        for _ in range(TABLES):
            case = _drawn_case(random, form)
            if case is not None:
                return case
    raise RuntimeError("no law of these forms has a sound table.")


def _drawn_case(random: np.random.Generator, form: Form) -> Case | None:
    """A law of a form and its table; None if its argument varies too little or too much, or a column hardly matters."""
    table = _Table(random, columns := int(random.integers(5, 9)))
    fill = table.filling(form.text)
    law, argument = ExpressionLaw(fill(form.text)), values(fill(form.argument), sample := table.inside(SAMPLE))
    regular = law.regular(sample)
    if regular.mean() < 0.5 or not form.least <= np.ptp(np.quantile(argument[regular], [0.05, 0.95])) <= form.most:
        return None
    if not _matters(law, sample[regular], random):
        return None
    inputs, outside = _regular(law, table.inside, ROWS), _regular(law, table.outside, POINTS)
    if len(inputs) < ROWS or len(outside) < POINTS:
        return None
    return Case(law, inputs, law(inputs)[:, None], outside, columns=NAMES[:columns])


class _Table:
    """Where the columns lie: each has a size from 0.3 to 10, a third of them are of both signs."""

    def __init__(self, random: np.random.Generator, columns: int) -> None:
        self.random, self.size = random, 10 ** random.uniform(-0.5, 1, columns)
        self.positive = random.random(columns) < 0.67
        self.lowest = random.uniform(0.1, 0.5, columns)

    def filling(self, text: str) -> Callable[[str], str]:
        """Puts columns and numbers into the places of a form; a column becomes positive where the form asks for it."""
        order = self.random.permutation(len(self.size))
        named = {}
        for place, token in zip(order, dict.fromkeys(re.findall(r"\b[A-Z]\b", text)), strict=False):
            named[token], self.positive[place] = NAMES[place], token < "X"
        numbers = {token: f"{10 ** self.random.uniform(-1, 1):.3g}" for token in "kln"}
        fill = named | numbers
        return lambda form: re.sub(r"\b[A-Zkln]\b", lambda found: fill.get(found[0], found[0]), form)

    def inside(self, rows: int) -> FloatArray:
        share = self.random.uniform(0, 1, (rows, len(self.size)))
        return self._signed(share, self.lowest + (1 - self.lowest) * share)

    def outside(self, rows: int) -> FloatArray:
        """Every row is beyond the range in some columns, up to five times as far."""
        share = self.random.uniform(0, 1, (rows, len(self.size)))
        beyond = self.random.random(share.shape) < self.random.uniform(0.3, 1, (rows, 1))
        beyond[np.arange(rows), self.random.integers(share.shape[1], size=rows)] = True
        far = 5 ** self.random.uniform(0, 1, share.shape)
        positive = np.where(beyond, far, self.lowest + (1 - self.lowest) * share)
        return self._signed(np.where(beyond, far, share), positive)

    def _signed(self, both: FloatArray, positive: FloatArray) -> FloatArray:
        signs = self.random.choice([-1.0, 1.0], both.shape)
        return self.size * np.where(self.positive, positive, signs * both)


def _matters(law: ExpressionLaw, sample: FloatArray, random: np.random.Generator) -> bool:
    """Whether every column of a law changes it, and its values are of usual size."""
    y = law(sample)
    if not SMALLEST < np.median(np.abs(y)) < LARGEST:
        return False
    for place in (NAMES.index(name) for name in set(re.findall(r"\b[a-h]\b", law.text))):
        shuffled = sample.copy()
        shuffled[:, place] = random.permutation(shuffled[:, place])
        if not np.nanmedian(np.abs(law(shuffled) / y - 1)) > MATTERS:
            return False
    return True


def _regular(law: ExpressionLaw, sample: Callable[[int], FloatArray], rows: int) -> FloatArray:
    drawn = sample(30 * rows)
    y = np.abs(law(drawn))
    usual = law.regular(drawn) & (y < 1e100) & (y > 1e-100)
    return drawn[usual][:rows]


UNARY_CASES: dict[str, Callable[[np.random.Generator], Case]] = {
    "exponentials": partial(form_case, forms=EXPONENTIALS),
    "waves": partial(form_case, forms=WAVES),
    "roots": partial(form_case, forms=ROOTS),
    "power-unary": power_unary_case,
}
