"""Uncertainty: how well the constants of an exported law are known, and the intervals of its predictions.

The law with its constants as fitted is the centre of an interval, not the prediction, whose constants were snapped to
simple numbers: so intervals are right whether those are the true ones or only close to them. They always hold the
prediction. This file needs no PyTorch; ``law_spread`` computes what intervals are made of.
"""

from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from .arrays import FloatArray

SPREAD_OUTPUTS = 3
"""Numbers that an interval is made of: the outputs of ``law_spread.LawSpread``."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class UncertainConstant(_Strict):
    """A constant of a law.

    ``value`` is that of the formula, ``estimate`` the one that fits the rows best, with its standard error. It
    multiplies ``term``, in an argument of ``function`` unless that is null.
    """

    value: float
    estimate: float
    standard_error: float = Field(ge=0)
    term: str
    function: str | None = None


class Quantiles(_Strict):
    """How many standard deviations of the noise, and standard errors of the law, an interval spans to each side."""

    noise: float = Field(ge=0)
    constants: float = Field(ge=0)

    def intervals(self, predictions: "FloatArray", spread: "FloatArray") -> "FloatArray":
        """The intervals of some rows, lowest and highest value, ``(rows, 2)``; not finite where the spread is not.

        Args:
            predictions: ``(rows,)``.
            spread: the law with its constants as fitted, the standard deviation of the noise, and the law's standard
                error, ``(rows, 3)``.
        """
        import numpy as np  # commands that read no numbers start without it

        fitted, noise, standard_error = spread.T
        with np.errstate(all="ignore"):
            half = np.hypot(self.noise * noise, self.constants * standard_error)
            return np.stack([np.minimum(fitted - half, predictions), np.maximum(fitted + half, predictions)], 1)


class Uncertainty(_Strict):
    """How well a law's constants are known, and the noise around it.

    The noise is ``constant``, of one size, ``proportional`` to the law, ``either``, where the rows cannot tell which,
    or ``rounding``, of an exact law. Its standard deviation is the larger of ``constant_noise`` and ``relative_noise``
    times the law's size. ``constants`` are those that no others can take the place of, as those of a common scale can.
    ``levels`` has the quantiles of each level, such as ``"0.95"``.
    """

    noise: Literal["constant", "proportional", "either", "rounding"]
    constant_noise: float = Field(ge=0)
    relative_noise: float = Field(ge=0)
    degrees_of_freedom: int = Field(ge=1)
    constants: list[UncertainConstant]
    levels: dict[str, Quantiles]

    def quantiles(self, level: float) -> Quantiles | None:
        """Those of a level; None where there are none."""
        return self.levels.get(f"{level:g}")
