"""API keys: each has a name, and only its SHA-256 is stored.

``python -m app.auth NAME >> keys.txt`` makes a key, shows it once, and appends its line to the file of the keys.

Public without a key are the probes (``/health/...``, ``/v2/health/...``), the documentation (``/``, ``/docs...``,
``/openapi.json``) and, unless the settings require one, ``/metrics``; all other paths require a key.
"""

import argparse
import hmac
import logging
import os
import re
import secrets
import sys
from collections.abc import Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from time import monotonic
from typing import Any, NamedTuple

from app.settings import SettingsError
from app.settings.environment import API_KEYS_FILE, read_text

logger = logging.getLogger(__name__)

MISSING_KEY = "The request carries no API key; send one as 'Authorization: Bearer KEY' or as 'X-API-Key: KEY'."
UNKNOWN_KEY = "The API key of the request is unknown; ask the service's operator for one."

SECURITY_SCHEMES: dict[str, dict[str, Any]] = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "Authorization: Bearer KEY"},
    "api_key": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "X-API-Key: KEY"},
}
"""OpenAPI's ``components.securitySchemes``."""
SECURITY: list[dict[str, list[str]]] = [{"bearer": []}, {"api_key": []}]
"""OpenAPI's ``security``: either scheme."""

CHECK_INTERVAL_SECONDS = 1.0
"""Shortest time between two checks whether the file of the keys has changed."""
MAX_KEY_CHARACTERS = 256
"""Longest key; longer ones are rejected unhashed."""

_COMMAND = "python -m app.auth NAME"
_PUBLIC = frozenset({"/", "/docs", "/openapi.json"})
_PUBLIC_PREFIXES = ("/health/", "/v2/health/", "/docs/")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
_LINE = re.compile(rf"({_NAME.pattern})\s+([0-9a-f]{{64}})")


class Stamp(NamedTuple):
    """Tells a file from what it was before, and from another that takes its place."""

    bytes: int
    number: int
    modified_ns: int
    changed_ns: int


def is_public(path: str, metrics_require_key: bool) -> bool:
    """Whether a path, without a slash at its end, requires no key."""
    return path in _PUBLIC or path.startswith(_PUBLIC_PREFIXES) or (path == "/metrics" and not metrics_require_key)


class APIKeys:
    """The keys of a file with a line ``name sha256-hex`` for each; blank lines and those that begin with # are skipped.

    A name may be on several lines, as while a key is being replaced. The file is read again when it has changed; if it
    has become invalid, the keys read before stay valid, and the log reports it once. A file without any key revokes all
    of them; found by itself, only if it is still so at the next check, as it may be about to be written.

    Args:
        path: the file.

    Raises:
        SettingsError: the file cannot be read, one of its lines is invalid, or it has no key at the start.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._stamp = _stamp(path)
        self._emptied: Stamp | None = None
        self._keys = _read(path)
        self._checked_at = monotonic()
        if not self._keys:
            raise SettingsError(f"{API_KEYS_FILE} is '{path}', which has no key; make one with {_COMMAND}.")

    def check(self, authorization: str | None, x_api_key: str | None) -> str | None:
        """The name of the key in one of these headers, ``Bearer KEY`` or ``KEY``; None without a known key."""
        if monotonic() - self._checked_at >= CHECK_INTERVAL_SECONDS:
            self._reload_if_changed()
        name = None
        if authorization and authorization[:7].lower() == "bearer ":
            name = self._find(authorization[7:].strip())
        return self._find(x_api_key) if name is None and x_api_key else name

    def _find(self, key: str) -> str | None:
        """The name of a key, in constant time."""
        if len(key) > MAX_KEY_CHARACTERS or not key.isascii():
            return None
        digest, found = sha256(key.encode()).digest(), None
        for name, expected in self._keys:  # all of them, so that the time does not reveal the line
            if hmac.compare_digest(digest, expected):
                found = name
        return found

    def reload(self) -> None:
        """Read the file again."""
        self._stamp = _stamp(self.path)  # before reading: a change meanwhile is seen at the next check
        try:
            self._keys = _read(self.path)
        except SettingsError as error:
            logger.error("%s The keys that were read before stay valid.", error)
            return
        if self._keys:
            logger.info("Read the API keys of %s.", ", ".join(dict.fromkeys(name for name, _ in self._keys)))
        else:
            logger.warning("%s has no key any more: no key is valid.", self.path)

    def _reload_if_changed(self) -> None:
        self._checked_at = monotonic()
        stamp = _stamp(self.path)
        if stamp == self._stamp:
            return
        if stamp is not None and stamp.bytes == 0 and stamp != self._emptied:
            self._emptied = stamp
            return
        self.reload()


def _stamp(path: Path) -> Stamp | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return Stamp(status.st_size, status.st_ino, status.st_mtime_ns, status.st_ctime_ns)


def _read(path: Path) -> list[tuple[str, bytes]]:
    keys = []
    for number, line in enumerate(map(str.strip, read_text(API_KEYS_FILE, path).splitlines()), 1):
        if line and not line.startswith("#"):
            match = _LINE.fullmatch(line)
            if match is None:
                setting = f"{API_KEYS_FILE} is '{path}'"
                raise SettingsError(f"{setting}, whose line {number} is not `name sha256`; make one with {_COMMAND}.")
            keys.append((match[1], bytes.fromhex(match[2])))
    return keys


def main(arguments: Sequence[str] | None = None) -> int:
    """Make a key: print its line for the file to standard output, and the key itself to standard error only.

    Returns the exit code, 2 where the line cannot be written.
    """
    parser = argparse.ArgumentParser(
        prog="python -m app.auth",
        description="Make an API key. Its line for the file that NALU_API_KEYS_FILE names goes to standard output, "
        "the key itself to standard error: it is shown only now.",
    )
    parser.add_argument("name", help="name of the key: letters, digits, dot, underscore, hyphen and @, up to 64")
    name = parser.parse_args(arguments).name
    if not _NAME.fullmatch(name):
        parser.error(f"'{name}' is not a valid name: give letters, digits, dots, underscores, hyphens and @, up to 64.")
    key = secrets.token_urlsafe(32)
    try:
        sys.stdout.write(f"{name} {sha256(key.encode()).hexdigest()}\n")
        sys.stdout.flush()
    except OSError as error:  # a full disk or a closed pipe: without its line the key would be worth nothing
        sys.stderr.write(f"The line of {name} cannot be written ({error.strerror}), so no key was made.\n")
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes once more when it ends
        return 2
    sys.stderr.write(f"The key of {name}, shown only now: {key}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
