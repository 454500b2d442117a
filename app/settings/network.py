"""Settings of how the service is reached: socket, TLS, the proxies before it, and web pages of other origins."""

import re
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any, NamedTuple
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, Field, SecretStr, ValidationInfo, field_validator

ANY = "*"
DEFAULT_PORTS = {"http": 80, "https": 443}
OWN_PATHS = frozenset({"docs", "health", "metrics", "models", "openapi.json", "page", "predict", "v2"})
"""First parts of the service's own paths, which could not be told from a prefix."""

_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://([a-z0-9._-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?")
_ROOT_PATH = re.compile(r"(/[A-Za-z0-9._~-]+)+")
_MODE = re.compile(r"0?[0-7]{3}")


class Proxies(NamedTuple):
    """The proxies whose forwarded headers are believed."""

    networks: tuple[IPv4Network | IPv6Network, ...]
    unix: bool
    """Whether those are believed that come over the Unix socket."""


def parse_origins(value: Any) -> Any:
    """Read a list of origins, as browsers send them; what is no text is returned as it is.

    Raises:
        ValueError: one is no origin.
    """
    if not isinstance(value, str):
        return value
    origins = frozenset(origin.strip().lower() for origin in value.split(","))
    if origins != {ANY} and not all(map(_is_origin, origins)):
        raise ValueError(
            "must be * or origins with commas between them, each a scheme and a host, and a port unless it is the "
            "scheme's own, as https://app.example.org,http://localhost:3000"
        )
    return origins


def _is_origin(text: str) -> bool:
    if not _ORIGIN.fullmatch(text):
        return False
    parts = urlsplit(text)
    try:
        return parts.port != DEFAULT_PORTS.get(parts.scheme, 0)
    except ValueError:  # no port is so high
        return False


def parse_root_path(value: Any) -> Any:
    """Read a prefix of paths, without a slash at its end; ``/`` is none.

    Raises:
        ValueError: it is no path, or begins as one of the service's own.
    """
    if not isinstance(value, str):
        return value
    path = value.rstrip("/")
    if not path and value:
        return None
    if not _ROOT_PATH.fullmatch(path) or not {".", ".."}.isdisjoint(path.split("/")):
        raise ValueError("must be a path of letters, digits and . _ ~ - that begins with a slash, as /nalu")
    if path.split("/")[1] in OWN_PATHS:
        raise ValueError(f"begins as a path of the service's own does ({', '.join(sorted(OWN_PATHS))}); choose another")
    return path


def parse_proxies(value: Any) -> Any:
    """Read a list of addresses and networks, ``unix`` for the Unix socket, or ``*`` for all.

    Raises:
        ValueError: one is neither.
    """
    if not isinstance(value, str):
        return value
    names = [name.strip() for name in value.split(",")]
    if ANY in names:
        names = ["0.0.0.0/0", "::/0", "unix"]
    try:
        return Proxies(tuple(ip_network(name, strict=False) for name in names if name != "unix"), "unix" in names)
    except ValueError:
        raise ValueError(
            "must be addresses or networks of proxies with commas between them, as 10.0.0.7,192.168.0.0/16, "
            "with unix for the Unix socket, or * for all"
        ) from None


class NetworkSettings(BaseModel):
    """The part of the settings that this module is about."""

    uds: Path | None = Field(None, description="Unix socket to listen on, in the place of host and port.")
    uds_mode: str = Field("660", description="Who may connect to the Unix socket, as an octal file mode.")
    ssl_certfile: Path | None = Field(None, description="Certificate chain for TLS, in PEM; may hold the key too.")
    ssl_keyfile: Path | None = Field(None, description="Private key of the certificate, in PEM.")
    ssl_keyfile_password: SecretStr | None = Field(None, description="Password of the private key.")
    root_path: Annotated[str | None, BeforeValidator(parse_root_path)] = Field(
        None, description="Prefix of the paths before a proxy, which may pass it on or remove it."
    )
    forwarded_allow_ips: Annotated[Proxies | None, BeforeValidator(parse_proxies)] = Field(
        None, description="Proxies whose X-Forwarded-For and X-Forwarded-Proto the access log believes."
    )
    cors_origins: Annotated[frozenset[str] | None, BeforeValidator(parse_origins)] = Field(
        None, description="Origins of the web pages whose scripts may use the service."
    )

    @field_validator("uds_mode")
    @classmethod
    def _is_mode(cls, value: str) -> str:
        if not _MODE.fullmatch(value):
            raise ValueError("must be three octal digits, as 660 for owner and group or 666 for everybody")
        return value

    @field_validator("ssl_keyfile")
    @classmethod
    def _has_certificate(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        if value is not None and info.data.get("ssl_certfile") is None:
            raise ValueError("it belongs to a certificate; set NALU_SSL_CERTFILE too")
        return value
