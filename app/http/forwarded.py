"""Who has sent a request: its peer, or whom proxies that are believed name in ``X-Forwarded-For`` and ``-Proto``.

Each proxy appends the address that it got the request from. So the list is read from its end, as long as the address
that named the next one is believed; what stands before was written by anybody. Only the access log shows the result.
"""

from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

from app.settings.network import Proxies

Address = IPv4Address | IPv6Address


def client_of(scope: Mapping[str, Any], proxies: Proxies | None) -> tuple[str | None, str | None]:
    """Address and scheme of a request's client; None where they are not known, as over a Unix socket.

    Args:
        scope: the request, as ASGI gives it.
        proxies: those that are believed.
    """
    peer = scope.get("client")
    address = _address(peer[0]) if peer else None
    scheme = scope.get("scheme")
    believed = proxies is not None and (_is_among(address, proxies) if peer else proxies.unix)
    if proxies is None or not believed:
        return _shown(address), scheme
    hops = _values(scope, b"x-forwarded-for")
    while hops and (named := _address(hops.pop())) is not None:
        address = named
        if not _is_among(named, proxies):
            break
    protocols = _values(scope, b"x-forwarded-proto")
    if protocols and protocols[-1].lower() in {"http", "https"}:
        scheme = protocols[-1].lower()
    return _shown(address), scheme


def _shown(address: Address | None) -> str | None:
    return None if address is None else str(address)


def _values(scope: Mapping[str, Any], name: bytes) -> list[str]:
    """The parts of a header that may come several times, as a list with commas."""
    headers: Iterable[tuple[bytes, bytes]] = scope["headers"]
    values = [value.decode("latin-1") for header, value in headers if header == name]
    return [part.strip() for part in ",".join(values).split(",") if part.strip()]


def _address(text: str) -> Address | None:
    """An address with or without a port, as ``10.0.0.7:4711`` or ``[::1]:4711``."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _is_among(address: Address | None, proxies: Proxies) -> bool:
    return address is not None and any(address in network for network in proxies.networks)
