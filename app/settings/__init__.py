"""Settings of the service, with units and defaults. Each is an environment variable with the prefix NALU_."""

import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, ConfigDict, Field, ValidationError, ValidationInfo, field_validator
from pydantic_core import ErrorDetails

from app.settings.environment import PREFIX, Environment, SettingsError, Variable, unquoted
from app.settings.messages import invalid_setting
from app.settings.network import NetworkSettings
from app.settings.rate import Rate, parse_rate
from app.settings.repository import parse_model_name, parse_repository

__all__ = [
    "PREFIX",
    "Environment",
    "Settings",
    "SettingsError",
    "given_values",
    "log_variable_warnings",
    "read_settings",
]

logger = logging.getLogger(__name__)

MEBIBYTE = 2**20


class Settings(NetworkSettings):
    """Settings from arguments; ``read_settings`` reads them from the environment."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    repository: Annotated[Path | str, BeforeValidator(parse_repository)] = Field(
        Path("repository"), description="Model repository: a folder, or the address of an object store, a str."
    )
    repository_cache: Path | None = Field(
        None, description="Folder that object stores are mirrored into; by default in the user's folder of caches."
    )
    model_name: Annotated[str | None, BeforeValidator(parse_model_name)] = Field(
        None, description="Name of the one model whose folder the repository's is; without it, a repository of models."
    )
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
    grpc_port: int = Field(0, ge=0, le=65535, description="Port to listen on for gRPC; 0 serves no gRPC.")
    workers: int = Field(1, ge=1, le=1024, description="Number of processes.")
    threads: int = Field(
        0, ge=0, le=1024, description="Threads of one prediction; 0 divides the CPU budget by the concurrent batches."
    )
    max_body_bytes: int = Field(
        16 * MEBIBYTE, ge=1, le=2**40, description="Largest request body, in bytes, after decompression too."
    )
    max_json_depth: int = Field(32, ge=1, le=200, description="Deepest nesting of arrays and objects in a JSON body.")
    max_json_values: int = Field(
        2_000_000, ge=1000, description="Most numbers, strings, arrays and objects in a JSON body, or cells of a table."
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
    ready_without_models: bool = Field(
        False, description="Whether the service is ready while it has no model to serve."
    )
    max_head_bytes: int = Field(
        32_768,
        ge=1024,
        description="Largest request line with headers, and largest trailers with chunk extensions, in bytes.",
    )
    max_header_fields: int = Field(128, ge=16, description="Most headers of a request.")
    head_timeout_seconds: float = Field(
        30.0,
        gt=0,
        allow_inf_nan=False,
        description="Seconds from a connection's begin, or a later request's first byte, to the end of its head.",
    )
    keep_alive_seconds: float = Field(
        75.0, gt=0, allow_inf_nan=False, description="Seconds that a connection may idle between two requests."
    )
    send_timeout_seconds: float = Field(
        30.0,
        gt=0,
        allow_inf_nan=False,
        description="Seconds within which a client has to take 64 KiB, or the rest, of a response that waits for it.",
    )
    max_connections: int = Field(4096, ge=1, description="Most connections of a process.")
    max_connections_per_address: int = Field(
        0, ge=0, description="Most connections of an IPv4 address or IPv6 /64 network to a process; 0: no limit."
    )
    model_control: Literal["none", "explicit"] = Field(
        "none",
        description="explicit lets clients load and unload models over HTTP, and requires workers=1.",
    )
    api_keys_file: Path | None = Field(
        None, description="File of the API keys, one `name sha256` a line; without it, no key is required."
    )
    rate_limit: Annotated[Rate | None, BeforeValidator(parse_rate)] = Field(
        None, description="Requests that each API key may send without a rate of its own, as 100/s or 6000/min."
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
    settings_file: Path | None = Field(
        None, description="File of further settings, `NALU_NAME=value` a line; environment variables override it."
    )

    @property
    def may_serve_nothing(self) -> bool:
        """Whether the service may be ready without a model."""
        return self.ready_without_models or self.model_control == "explicit"

    @field_validator("device", "model_control", "log_level", "log_format", mode="before")
    @classmethod
    def _lower(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value

    @field_validator("rate_limit")
    @classmethod
    def _has_keys(cls, value: Rate | None, info: ValidationInfo) -> Rate | None:
        if value is not None and info.data.get("api_keys_file") is None:
            raise ValueError("it limits the requests of each API key; set NALU_API_KEYS_FILE too")
        return value

    @field_validator("grpc_port")
    @classmethod
    def _is_a_port_of_its_own(cls, value: int, info: ValidationInfo) -> int:
        if value and value == info.data.get("port"):
            raise ValueError("NALU_PORT is the same, which serves HTTP; give gRPC another port")
        return value

    @field_validator("model_control")
    @classmethod
    def _reaches_every_worker(cls, value: str, info: ValidationInfo) -> str:
        if value == "explicit" and info.data.get("workers", 1) > 1:
            raise ValueError("a load request reaches only one of the workers; set NALU_WORKERS=1 or rely on polling")
        return value


def read_settings(environment: Environment | None = None, /, **values: object) -> Settings:
    """Read the settings from the environment, with the given values over them.

    Args:
        environment: None reads it, and the settings file, which may be a pipe that can be read only once.
        values: None or an empty text leaves a setting to the environment.

    Raises:
        SettingsError: values are invalid, or the settings file is; the message names each variable.
    """
    variables = (environment or Environment()).settings
    given = given_values(values)
    known = {name: variables[variable] for name, variable in _variables() if variable in variables}
    inherited = {name: variable for name, variable in known.items() if name not in given}
    try:
        return Settings(**({name: variable.value for name, variable in inherited.items()} | given))
    except ValidationError as error:
        found = error.errors(include_url=False)
        raise SettingsError("\n".join(_message(problem, inherited) for problem in found)) from error


def given_values(values: Mapping[str, object]) -> dict[str, object]:
    """Those that are not None and not empty, without the blanks and quotes around them."""
    cleaned = {name: unquoted(value) if isinstance(value, str) else value for name, value in values.items()}
    return {name: value for name, value in cleaned.items() if value not in (None, "")}


def log_variable_warnings(environment: Environment) -> None:
    """Warn of variables that have an old name or are no settings, and of Kubernetes' service links."""
    for sentence in environment.warnings + environment.unknown([variable for _, variable in _variables()]):
        logger.warning(sentence)


def _variables() -> Iterator[tuple[str, str]]:
    """Each setting and its variable."""
    return ((name, f"{PREFIX}{name.upper()}") for name in Settings.model_fields)


def _message(problem: ErrorDetails, inherited: Mapping[str, Variable]) -> str:
    setting = "_".join(str(part) for part in problem["loc"])
    field = Settings.model_fields.get(setting)
    variable = inherited.get(setting)
    name, file = (variable.name, variable.file) if variable else (f"{PREFIX}{setting.upper()}", None)
    return invalid_setting(name, problem["input"], field, problem["msg"], file=file)
