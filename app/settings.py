"""Every knob of the service, with its unit and default. Each is an environment variable with the prefix NALU_."""

import os
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError, field_validator
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
    max_body_bytes: int = Field(16 * MEBIBYTE, ge=1, description="Largest request body, in bytes.")
    max_rows: int = Field(100_000, ge=1, description="Most rows in one arithmetic request.")
    max_files: int = Field(64, ge=1, description="Most pictures in one request.")
    max_pixels: int = Field(25_000_000, ge=1, description="Most pixels in one picture, read off its header.")
    max_request_pixels: int = Field(100_000_000, ge=1, description="Most pixels of all pictures of one request.")
    max_concurrent_predictions: int = Field(
        0, ge=0, description="Predictions that run at the same time; 0 takes the CPU budget divided by the workers."
    )
    max_queued_predictions: int = Field(
        256, ge=0, description="Predictions that may wait; one more is refused with 503."
    )
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
