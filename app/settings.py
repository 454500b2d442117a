"""Settings of the service, with units and defaults. Each is an environment variable with the prefix NALU_."""

import os
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "NALU_"
MEBIBYTE = 2**20

# alias: names of these variables in 0.1; each works on and is warned of when the service starts
OLD_NAMES = {
    "NALU_MAX_BACKLOG_SECONDS": "NALU_MAX_QUEUE_DELAY_SECONDS",
    "NALU_PROTECT_METRICS": "NALU_METRICS_REQUIRE_KEY",
}


class SettingsError(ValueError):
    """A setting that the service cannot start with."""


class Settings(BaseSettings):
    """Settings from arguments, else from environment variables; ``read_settings`` accepts old names too."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid")

    repository: Path = Field(Path("repository"), description="Folder of the model repository.")
    repository_poll_seconds: float = Field(
        2.0,
        ge=0,
        allow_inf_nan=False,
        description="Seconds between scans for new and removed versions; 0 scans once, at the start.",
    )
    backend: str = Field("onnx", description="Backend that runs the models: onnx or torchscript.")
    device: Literal["auto", "cpu", "cuda"] = Field(
        "auto", description="Device of the models: auto uses CUDA where the backend supports it; cuda requires it."
    )
    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8000, ge=0, le=65535, description="Port to listen on; 0 picks a free one.")
    workers: int = Field(1, ge=1, description="Number of processes.")
    threads: int = Field(
        0, ge=0, description="Threads of one prediction; 0 divides the CPU budget by the concurrent batches."
    )
    max_body_bytes: int = Field(
        16 * MEBIBYTE, ge=1, description="Largest request body, in bytes, after decompression too."
    )
    max_json_depth: int = Field(32, ge=1, le=200, description="Deepest nesting of arrays and objects in a JSON body.")
    max_json_values: int = Field(
        2_000_000, ge=1000, description="Most numbers, strings, arrays and objects in a JSON body."
    )
    max_rows: int = Field(100_000, ge=1, description="Most rows in one arithmetic request.")
    max_files: int = Field(64, ge=1, description="Most images in one request.")
    max_pixels: int = Field(25_000_000, ge=1, description="Most pixels in one image, by its header.")
    max_unresized_pixels: int = Field(
        4_000_000, ge=1, description="Most pixels in one image for models that do not resize, by its header."
    )
    max_request_pixels: int = Field(100_000_000, ge=1, description="Most pixels of all images in one request.")
    max_queued_rows: int = Field(
        16_384, ge=1, description="Most rows and images queued or running; further requests get 503."
    )
    max_queued_pixels: int = Field(
        200_000_000, ge=1, description="Most pixels of images queued or running; further requests get 503."
    )
    max_queue_delay_seconds: float = Field(
        0.5,
        gt=0,
        allow_inf_nan=False,
        description="Seconds that a request may wait, before it is read or for its model; further requests get 503.",
    )
    max_batch_rows: int = Field(1024, ge=1, description="Most rows of several requests in one batch.")
    max_concurrent_batches: int = Field(
        0, ge=0, description="Batches that run concurrently; 0 divides the CPU budget by the workers."
    )
    max_concurrent_pixels: int = Field(
        8_000_000,
        ge=1,
        description="Most pixels that models that do not resize compute concurrently, at about a hundred bytes of "
        "memory each; a larger image is computed alone.",
    )
    request_timeout_seconds: float = Field(
        30.0, gt=0, allow_inf_nan=False, description="Deadline of a request, in seconds from its headers on."
    )
    model_control: Literal["none", "explicit"] = Field(
        "none",
        description="explicit lets clients load and unload models over HTTP, and requires workers=1.",
    )
    api_keys_file: Path | None = Field(
        None, description="File of the API keys, one `name sha256` a line; without it, no key is required."
    )
    metrics_require_key: bool = Field(False, description="Whether /metrics requires an API key too.")
    shutdown_grace_seconds: float = Field(
        1.0,
        ge=0,
        allow_inf_nan=False,
        description="Seconds from SIGTERM, when readiness ends, until the service stops accepting connections.",
    )
    shutdown_timeout_seconds: int = Field(
        20, ge=1, description="Seconds that requests in flight may take to finish after that."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Lowest level that is logged.")
    log_format: Literal["text", "json"] = Field(
        "text", description="Format of the log: text, or one JSON object a line."
    )
    access_log: bool = Field(False, description="Whether every request is logged.")

    @field_validator("log_level", mode="before")
    @classmethod
    def _lower(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value

    @field_validator("model_control")
    @classmethod
    def _reaches_every_worker(cls, value: str, info: ValidationInfo) -> str:
        if value == "explicit" and info.data.get("workers", 1) > 1:
            raise ValueError("a load request reaches only one of the workers; set NALU_WORKERS=1 or rely on polling")
        return value


def read_settings(**values: object) -> Settings:
    """Read the settings from the environment, with the given values over them; None leaves a value to the environment.

    Raises:
        SettingsError: a value is invalid; the message names its variable.
    """
    given = {name: value for name, value in values.items() if value is not None}
    old = _under_old_names()
    try:
        return Settings(**(old | given))  # type: ignore[arg-type]
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        setting = "_".join(str(part) for part in first["loc"])
        name = PREFIX + setting.upper()
        if setting in old.keys() - given.keys():
            name = next(before for before, now in OLD_NAMES.items() if now == name)
        problem = first["msg"].removeprefix("Value error, ")
        raise SettingsError(f"{name} is {first['input']!r}: {problem}.") from error


def unknown_variables() -> list[str]:
    """Environment variables with the prefix that are no settings, as after a typing error."""
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields} | OLD_NAMES.keys()
    return sorted(name for name in os.environ if name.startswith(PREFIX) and name not in known)


def deprecation_warnings() -> list[str]:
    """A sentence for each environment variable that is set by its old name."""
    variables = _environment()
    return [
        f"{old} is the old name of {new}, which is set too and wins; remove the old one."
        if new in variables
        else f"{old} is the old name of {new}, and a later version will ignore it; rename it."
        for old, new in OLD_NAMES.items()
        if old in variables
    ]


def rename_old_variables() -> None:
    """Give environment variables their new names, so that worker processes, which inherit them, do not warn again."""
    for old, new in OLD_NAMES.items():
        for variable in [name for name in os.environ if name.upper() == old]:
            os.environ.setdefault(new, os.environ.pop(variable))


def _under_old_names() -> dict[str, object]:
    """Values of the variables that are set by their old name only, by setting."""
    variables = _environment()
    return {
        new.removeprefix(PREFIX).lower(): variables[old]
        for old, new in OLD_NAMES.items()
        if old in variables and new not in variables
    }


def _environment() -> dict[str, str]:
    """Environment variables, in capitals: pydantic-settings accepts any case."""
    return {name.upper(): value for name, value in os.environ.items()}
