"""Schemas of requests with images: a form, and JSON."""

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, FailFast, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from app.schemas import MAX_VERSION, NAME, VERSION, Request

EXAMPLE_IMAGE = (
    "iVBORw0KGgoAAAANSUhEUgAAABwAAAAcAgMAAAAPYzcHAAAADFBMVEX////9/f3d3d0tLS2gaXp2AAAAjElEQVR42m2OOw6CUBBF"
    "D5OntIQYWYY0FHa4AwtZjxZuwIRNGBt3AA2N66CzUDsMkbGYl0DBdHdy7gfmL4ACnvX4cap6RrySCRsPEQJshxSBoP2a4dgAsNaD"
    "xxwAC73kAGw6y0nCEgEe9RuBIjtZ7qqKAHfd/faA077LgVj1A8LrRmvc0u/tuVvBZNsfXEMi0uCAYtoAAAAASUVORK5CYII="
)
"""A three of 28 x 28 pixels, as PNG in base64."""


def _is_file(value: object) -> object:
    if not isinstance(value, bytes):
        raise PydanticCustomError("file", "Input should be a file")
    return value


File = Annotated[bytes, BeforeValidator(_is_file), WithJsonSchema({"type": "string", "format": "binary"})]


class ImageForm(BaseModel):
    """Images for an image model."""

    # Swagger UI shows a file picker for schemas of this form
    model: str = Field(
        description="Name of the model; GET /models lists them.", examples=["digit"], json_schema_extra=NAME
    )
    version: Annotated[Annotated[int, Field(ge=1, le=MAX_VERSION)] | None, WithJsonSchema(VERSION)] = Field(
        default_factory=lambda: None,  # keeps null out of the schema
        description="Version of the model; the highest by default.",
    )
    files: list[File] = Field(min_length=1, description="Images: PNG, JPEG, WebP, GIF, BMP, TIFF, AVIF or Netpbm.")


Base64 = Annotated[str, Field(strict=True, json_schema_extra={"contentEncoding": "base64"})]


class ImagesInJSON(Request):
    """Images for an image model, in JSON."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"model": "digit", "images": [EXAMPLE_IMAGE]}]})

    model: Annotated[
        str, Field(strict=True, description="Name of the model; GET /models lists them.", json_schema_extra=NAME)
    ]
    version: Annotated[int, Field(strict=True, ge=1, le=MAX_VERSION)] | None = Field(
        None, description="Version of the model; the highest by default."
    )
    images: Annotated[list[Base64], FailFast()] = Field(
        min_length=1, description="Files in base64, or as data: URLs; of the same formats as the files of a form."
    )
