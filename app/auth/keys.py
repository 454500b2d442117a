"""The API keys of a file, which is read again when it has changed."""

import hmac
import logging
from hashlib import sha256
from pathlib import Path
from time import monotonic
from typing import NamedTuple

from app.auth.key_file import COMMAND, APIKey, read_keys
from app.settings import SettingsError
from app.settings.environment import API_KEYS_FILE

logger = logging.getLogger(__name__)

CHECK_INTERVAL_SECONDS = 1.0
"""Shortest time between two checks whether the file of the keys has changed."""
MAX_KEY_CHARACTERS = 256
"""Longest key; longer ones are rejected unhashed."""


class Stamp(NamedTuple):
    """Tells a file from what it was before, and from another that takes its place."""

    bytes: int
    number: int
    modified_ns: int
    changed_ns: int


class APIKeys:
    """The keys of a file, see ``app.auth.key_file``.

    The file is read again when it has changed; if it has become invalid, the keys read before stay valid, and the log
    reports it once. A file without any key revokes all of them; found by itself, only if it is still so at the next
    check, as it may be about to be written.

    Args:
        path: the file.

    Raises:
        SettingsError: the file cannot be read, one of its lines is invalid, or it has no key at the start.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._stamp = _stamp(path)
        self._emptied: Stamp | None = None
        self._keys = read_keys(path)
        self._checked_at = monotonic()
        if not self._keys:
            raise SettingsError(f"{API_KEYS_FILE} is '{path}', which has no key; make one with {COMMAND}.")

    def find(self, authorization: str | None, x_api_key: str | None) -> APIKey | None:
        """The key in one of these headers, ``Bearer KEY`` or ``KEY``; None without a known key."""
        if monotonic() - self._checked_at >= CHECK_INTERVAL_SECONDS:
            self._reload_if_changed()
        key = None
        if authorization and authorization[:7].lower() == "bearer ":
            key = self._find(authorization[7:].strip())
        return self._find(x_api_key) if key is None and x_api_key else key

    def _find(self, text: str) -> APIKey | None:
        """The key of that text, in constant time."""
        if len(text) > MAX_KEY_CHARACTERS or not text.isascii():
            return None
        digest, found = sha256(text.encode()).digest(), None
        for key in self._keys:  # all of them, so that the time does not reveal the line
            if hmac.compare_digest(digest, key.sha256):
                found = key
        return found

    def reload(self) -> None:
        """Read the file again."""
        self._stamp = _stamp(self.path)  # before reading: a change meanwhile is seen at the next check
        try:
            self._keys = read_keys(self.path)
        except SettingsError as error:
            logger.error("%s The keys that were read before stay valid.", error)
            return
        if self._keys:
            logger.info("Read the API keys of %s.", ", ".join(dict.fromkeys(key.name for key in self._keys)))
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
