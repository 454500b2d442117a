"""Formulas beside a model's: the best of each complexity, and rivals. This file needs no PyTorch."""

from pydantic import BaseModel, ConfigDict, Field


class FrontEntry(BaseModel):
    """The best formula of a complexity that a search tried.

    ``complexity`` is how many numbers write it, ``relative_rmse`` its error on the training rows. It is no law, unless
    it is the manifest's ``formula``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    formula: str
    complexity: int = Field(ge=1)
    relative_rmse: float = Field(ge=0)


class Rival(BaseModel):
    """One of several formulas that explain the training rows equally well, where therefore no law is claimed.

    ``bits`` is how much longer its description is than that of the first, which has 0. ``parts_at`` has values of
    columns outside the training range, the others at their medians, at which it parts from the first by more than
    noise, so where to measure next. It is empty for the first.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    formula: str
    complexity: int = Field(ge=1)
    relative_rmse: float = Field(ge=0)
    bits: float
    parts_at: dict[str, float]
