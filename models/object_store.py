"""Object stores by their address, as ``s3://bucket/prefix``; the service mirrors them, training uploads to them.

obstore does the work, and reads credentials, region and endpoint from the environment. This file needs no PyTorch.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

VARIABLES = {"s3": "AWS", "gs": "GOOGLE", "az": "AZURE"}
"""Schemes of the addresses, and how the names of their environment variables begin."""
RULE = "must be a folder, or the address of an object store: s3://bucket/prefix, gs:// or az:// alike"
INSTALL = "pip install 'nalu-serve[cloud]'"

CONNECT_SECONDS, REQUEST_SECONDS = 5, 10
"""Longest time to connect, and of one request to its last byte; the environment may set others."""
CLIENT_OPTIONS = (
    *("connect_timeout", "timeout", "allow_http", "allow_invalid_certificates"),
    *("proxy_url", "proxy_ca_certificate", "proxy_excludes"),
)
"""What the environment may set. Options that are given replace all of obstore's own reading of it."""
RETRIES: Any = {"max_retries": 2, "retry_timeout": timedelta(seconds=10)}
MAX_UPLOADS = 4
"""Parts of a file that are uploaded at the same time."""
PART_BYTES = 2**20
"""Read by one request: with the timeout, the slowest store that a file is read from sends 100 KB/s."""
MAX_OBJECTS = 100_000
"""Most objects below an address. More are no model repository, and would be listed for minutes."""
MAX_REASON = 200
"""Most characters of an error of obstore's that no sentence is known for."""

_ADDRESS = re.compile(r"(s3|gs|az)://[A-Za-z0-9][A-Za-z0-9._-]*(/[^\s?#@]*)?")
_CREDENTIALS = (
    "there are no credentials; set those of the environment, {prefix}_..., or {prefix}_SKIP_SIGNATURE=true for a "
    "public bucket"
)
_REASONS = (
    (r"/latest/(api/token|meta-data)|/computeMetadata/|/metadata/identity|Missing \w*AccessKey", _CREDENTIALS),
    (r"MissingAccount", "its account is not known; set AZURE_STORAGE_ACCOUNT_NAME"),
    (r"BadScheme", "its endpoint has no TLS; set {prefix}_ALLOW_HTTP=true, or give an https:// endpoint"),
    (r"ConnectionRefused", "the connection is refused; correct the endpoint, or start the store"),
    (r"dns error", "the name of its host is not known; correct the endpoint or the region"),
    (r"[kK]ind: Timeout|TimedOut|operation timed out", "it does not answer in time"),
    (r"kind: (Interrupted|Request)|IncompleteMessage|IncompleteBody", "the connection broke before the answer's end"),
    (r"kind: Connect", "no connection can be made; correct the endpoint, or its certificate"),
    (r"BareRedirect", "it is in another region; set {prefix}_REGION"),
    (r"status: 40[13]|status code: 40[13]", "access is denied (403); give the credentials the permission"),
    (r"NoSuchBucket|BucketNotFound|status: 404|status code: 404", "there is no such bucket; create it, or correct it"),
    (r"status: (?P<code>[345]\d\d)", "it answers with status {code}"),
)
"""What obstore's errors hold, and what is said of them."""


class StoreError(Exception):
    """An object store cannot be read or written to; the message is one sentence."""


class EmptyStoreError(StoreError):
    """An object store holds no model."""


class ObjectMissingError(StoreError):
    """An object that was listed is not there any more."""


class StoreClosedError(Exception):
    """The program ends, and so does a listing or reading in another thread."""


class StoredFile(NamedTuple):
    """An object."""

    path: str
    """Below the address."""
    size: int
    """In bytes."""
    tag: str
    """Changes with the content: the ETag, or the time of the last change in stores without."""


def is_address(text: str) -> bool:
    """Whether a text is meant as an address, with any scheme, rather than as a folder."""
    return "://" in text


def check_address(text: str) -> str:
    """The address, without slashes at its end.

    Raises:
        ValueError: it is none of a store; the message is the rule.
    """
    if not _ADDRESS.fullmatch(text):
        raise ValueError(RULE)
    return text.rstrip("/")


class ObjectStore:
    """What lies below an address.

    Args:
        address: for messages.
        store: obstore's, with the address's prefix.
        endpoint: that the environment names; empty: the provider's own.
    """

    def __init__(self, address: str, store: Any, endpoint: str = "") -> None:
        self.address = address
        self.endpoint = endpoint
        self._store = store
        self._closed = False

    @classmethod
    def open(cls, address: str, *, request_seconds: int = REQUEST_SECONDS) -> "ObjectStore":
        """The store of an address, with credentials, region and endpoint from the environment; connects to nothing.

        Args:
            address: checked by ``check_address``.
            request_seconds: longest time of a request, unless the environment sets another.

        Raises:
            StoreError: obstore is not installed, or an environment variable is invalid.
        """
        try:
            from obstore.store import from_url
        except ModuleNotFoundError as error:
            raise StoreError(f"{address} needs obstore: {INSTALL}.") from error
        prefix = VARIABLES[address.partition("://")[0]]
        endpoint = _endpoint(prefix)
        given = {name: os.environ.get(f"{prefix}_{name.upper()}") for name in CLIENT_OPTIONS}
        options: Any = {"connect_timeout": f"{CONNECT_SECONDS}s", "timeout": f"{request_seconds}s"}
        options |= {name: value for name, value in given.items() if value}
        with _sentences(address, "opened"):
            return cls(address, from_url(address, client_options=options, retry_config=RETRIES), endpoint)

    def list(self, prefix: str | None = None) -> list[StoredFile]:
        """All objects, or those below a path.

        Raises:
            StoreError: they cannot be listed, or are too many.
        """
        found: list[StoredFile] = []
        with _sentences(self.address, "listed"):
            for page in self._store.list(prefix, chunk_size=1000):
                self._check_open()
                found += [
                    StoredFile(entry["path"], entry["size"], entry["e_tag"] or entry["last_modified"].isoformat())
                    for entry in page
                ]
                if len(found) > MAX_OBJECTS:
                    raise StoreError(
                        f"{self.address} holds more than {MAX_OBJECTS} objects; give the prefix of the models alone."
                    )
        return found

    def read(self, file: StoredFile) -> Iterator[bytes]:
        """The content of an object, in parts; never more than its listed size.

        Raises:
            ObjectMissingError: it is not there any more.
            StoreError: it cannot be read.
        """
        with _sentences(f"{self.address}/{file.path}", "read"):
            for start in range(0, file.size, PART_BYTES):
                self._check_open()
                length = min(PART_BYTES, file.size - start)
                yield bytes(self._store.get_range(file.path, start=start, length=length))

    def close(self) -> None:
        """End what other threads list and read, by a ``StoreClosedError`` after the request that is under way."""
        self._closed = True

    def _check_open(self) -> None:
        if self._closed:
            raise StoreClosedError

    def write(self, path: str, content: Path | bytes, *, replace: bool = True) -> None:
        """Upload the content of a file, whole or not at all.

        Raises:
            StoreError: it cannot be written, or there is one and it may not be replaced.
        """
        with _sentences(f"{self.address}/{path}", "written"):
            self._store.put(path, content, mode=None if replace else "create", max_concurrency=MAX_UPLOADS)


@contextmanager
def _sentences(what: str, done: str) -> Iterator[None]:
    """Turn obstore's errors into a sentence on what could not be done."""
    from obstore.exceptions import AlreadyExistsError, BaseError

    try:
        yield
    except AlreadyExistsError as error:
        raise StoreError(
            f"{what} is there already, as another upload wrote it meanwhile; repeat both, one after the other."
        ) from error
    except FileNotFoundError as error:
        raise ObjectMissingError(f"{what} is not there any more.") from error
    except (BaseError, ValueError, OSError) as error:
        raise StoreError(f"{what} cannot be {done}: {_reason(str(error), what)}.") from error


def _reason(text: str, address: str) -> str:
    prefix = VARIABLES[address.partition("://")[0]]
    for pattern, reason in _REASONS:
        if found := re.search(pattern, text):
            return reason.format(prefix=prefix, **found.groupdict())
    first = text.strip().partition("\n")[0].rstrip(". ")
    first = re.sub(r"\?\S*", "?***", re.sub(r"://[^\s/]*@", "://***@", first))
    return first if len(first) <= MAX_REASON else f"{first[:MAX_REASON]}..."


def _endpoint(prefix: str) -> str:
    """The endpoint that the environment names, which obstore does not check; empty: none.

    Raises:
        StoreError: it is no address.
    """
    for name in (f"{prefix}_ENDPOINT_URL", f"{prefix}_ENDPOINT"):
        value = os.environ.get(name)
        if value and not _is_endpoint(value):
            shown = re.sub(r"\?.*", "?***", re.sub(r"(?s)^(\w+://)?.*@", r"\1***@", value))  # no password
            raise StoreError(f"{name} is '{shown}', which must be an address such as https://minio.example.org:9000.")
        if value:
            return value
    return ""


def _is_endpoint(value: str) -> bool:
    try:
        parts = urlsplit(value)
        _ = parts.port  # obstore panics on one above 65535
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(re.fullmatch(r"[\w.:-]+", parts.hostname or ""))
