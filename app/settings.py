"""Every knob of the service, with its unit and default. Each is an environment variable with the prefix NALU_."""

import os
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from app.backends import BACKENDS

MEBIBYTE = 2**20


class SettingsError(ValueError):
    """A setting that the service cannot start with."""


class Settings(BaseSettings):
    """What the service runs with. Read the environment with ``Settings()``, or give values by name."""

    model_config = SettingsConfigDict(env_prefix="NALU_", frozen=True, extra="forbid")

    repository: Path = Field(Path("repository"), description="Folder of the models.")
    repository_poll_seconds: float = Field(
        2.0,
        ge=0,
        allow_inf_nan=False,
        description="Seconds between two looks for new and removed versions; 0 looks once, at the start.",
    )
    backend: str = Field("onnx", description="Runtime of the models: onnx or torchscript.")
    device: Literal["auto", "cpu", "cuda"] = Field(
        "auto", description="Where models run: auto takes CUDA where the backend has it; cuda insists on it."
    )
    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8000, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    workers: int = Field(1, ge=1, description="Number of processes.")
    threads: int = Field(
        0, ge=0, description="Threads that one prediction uses; 0 divides the CPU budget by what may run at once."
    )
    max_body_bytes: int = Field(
        16 * MEBIBYTE, ge=1, description="Largest request body, in bytes; of a compressed one, as it unpacks."
    )
    max_json_depth: int = Field(32, ge=1, le=200, description="Deepest nesting of arrays and objects in a JSON body.")
    max_json_values: int = Field(
        2_000_000, ge=1000, description="Most numbers, strings, arrays and objects in a JSON body."
    )
    max_rows: int = Field(100_000, ge=1, description="Most rows in one arithmetic request.")
    max_files: int = Field(64, ge=1, description="Most images in one request.")
    max_pixels: int = Field(25_000_000, ge=1, description="Most pixels in one image, read off its header.")
    max_unresized_pixels: int = Field(
        4_000_000, ge=1, description="Most pixels in one image for models that do not resize, read off its header."
    )
    max_request_pixels: int = Field(100_000_000, ge=1, description="Most pixels of all images of one request.")
    max_queued_rows: int = Field(
        16_384,
        ge=1,
        description="Most rows and images that are queued or running; what comes then is refused with 503.",
    )
    max_queued_pixels: int = Field(
        200_000_000,
        ge=1,
        description="Most pixels of images that are queued or running; what comes then is refused with 503.",
    )
    max_backlog_seconds: float = Field(
        0.5,
        gt=0,
        allow_inf_nan=False,
        description="Seconds that a request may have waited before it is read, or would have to wait then; "
        "others are refused with 503.",
    )
    max_batch_rows: int = Field(1024, ge=1, description="Most rows of several requests that are computed together.")
    max_concurrent_batches: int = Field(
        0, ge=0, description="Batches that run at the same time; 0 takes the CPU budget divided by the workers."
    )
    max_concurrent_pixels: int = Field(
        8_000_000,
        ge=1,
        description="Most pixels that models that do not resize compute at the same time, for which they need about "
        "a hundred bytes each; a larger image is computed alone.",
    )
    request_timeout_seconds: float = Field(
        30.0, gt=0, allow_inf_nan=False, description="Seconds that a request may take, from its headers to its answer."
    )
    model_control: Literal["none", "explicit"] = Field(
        "none", description="Whether clients may load and unload models over HTTP: explicit; needs workers=1."
    )
    api_keys_file: Path | None = Field(
        None, description="File of the API keys, one `name sha256` a line; without it, no key is asked for."
    )
    protect_metrics: bool = Field(False, description="Whether /metrics asks for an API key too.")
    shutdown_grace_seconds: float = Field(
        1.0,
        ge=0,
        allow_inf_nan=False,
        description="Seconds between SIGTERM, when readiness turns off, and the end of accepting requests.",
    )
    shutdown_timeout_seconds: int = Field(
        20, ge=1, description="Seconds that requests in flight may take to finish after that."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least level that is logged.")
    log_format: Literal["text", "json"] = Field("text", description="Form of the log: text, or one JSON object a line.")
    access_log: bool = Field(False, description="Whether every request is logged.")

    @field_validator("log_level", mode="before")
    @classmethod
    def _any_case(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value

    @field_validator("backend")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in BACKENDS:
            raise ValueError(f"unknown backend '{value}'; available: {', '.join(BACKENDS)}")
        return value

    @field_validator("model_control")
    @classmethod
    def _reaches_every_worker(cls, value: str, info: ValidationInfo) -> str:
        if value == "explicit" and info.data.get("workers", 1) > 1:
            raise ValueError("a request to load reaches one worker of several; set NALU_WORKERS=1 or rely on polling")
        return value


def unknown_variables() -> list[str]:
    """Environment variables that look like settings and are none, as a slip of the pen makes them."""
    known = {f"NALU_{name.upper()}" for name in Settings.model_fields}
    return sorted(name for name in os.environ if name.startswith("NALU_") and name not in known)


def read_settings(**values: object) -> Settings:
    """Settings from the environment, with the given values over them; None leaves a value to the environment.

    Raises:
        SettingsError: a value does not fit; the message names its variable.
    """
    try:
        return Settings(**{name: value for name, value in values.items() if value is not None})  # type: ignore[arg-type]
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = "NALU_" + "_".join(str(part) for part in first["loc"]).upper()
        problem = first["msg"].removeprefix("Value error, ")
        raise SettingsError(f"{name} is {first['input']!r}: {problem}.") from error
