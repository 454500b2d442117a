"""Curves: samples of an exported model along each column, far beyond its training range, and of the MLP beside it.

They show what a model does outside its range without computing anything; ``curves.json`` of a version folder holds
them. This file needs no PyTorch.
"""

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

CURVES_FILE = "curves.json"


class Curve(BaseModel):
    """Samples along one column, all others at their value in ``Curves.at``. What is not finite is null."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    column: str
    range: tuple[float, float] = Field(description="The column's lowest and highest value in training.")
    inputs: list[float] = Field(min_length=2, description="The column's values, in ascending order.")
    model: list[float | None] = Field(description="The model's prediction at each of them.")
    mlp: list[float | None] | None = Field(description="That of an MLP of equal size; null where there is none.")

    @model_validator(mode="after")
    def _validate_lengths(self) -> Self:
        if any(len(samples) != len(self.inputs) for samples in (self.model, self.mlp) if samples is not None):
            raise ValueError(f"the curve of '{self.column}' needs one sample for each of its {len(self.inputs)} inputs")
        return self


class Curves(BaseModel):
    """The curves of a model of columns of numbers."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    target: str = Field(description="Name of the predicted column.")
    at: dict[str, float] = Field(description="Where every column stays while another one varies.")
    curves: list[Curve] = Field(description="One for each column, of very wide tables for those that matter most.")
