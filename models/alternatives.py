"""Formulas beside a model's: the best of each complexity. This file needs no PyTorch."""

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
