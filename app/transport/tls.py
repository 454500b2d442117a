"""TLS: the certificate of the listening sockets, which can be read again while they listen."""

import logging
import ssl
from collections.abc import Callable
from pathlib import Path

import uvicorn

from app.settings import Settings, SettingsError

logger = logging.getLogger(__name__)

CONTEXTS: list[ssl.SSLContext] = []
"""Those of this process: uvicorn makes them in each worker before the application."""


def load_certificate(context: ssl.SSLContext, settings: Settings) -> None:
    """Load the certificate that the settings name.

    Raises:
        SettingsError: a file cannot be read, the password is wrong, or key and certificate do not belong together.
    """
    certificate, key, secret = settings.ssl_certfile, settings.ssl_keyfile, settings.ssl_keyfile_password
    assert certificate is not None
    for name, path in (("NALU_SSL_CERTFILE", certificate), ("NALU_SSL_KEYFILE", key)):
        if path is not None:
            _check_readable(name, path)
    has_password = False

    def password() -> str:  # without it, OpenSSL would ask at the terminal
        nonlocal has_password
        has_password = True
        return "" if secret is None else secret.get_secret_value()

    try:
        context.load_cert_chain(certificate, key, password)
    except (ssl.SSLError, ValueError) as error:  # ValueError: no key has a password that long
        files = f"NALU_SSL_CERTFILE is '{certificate}'" + (f" and NALU_SSL_KEYFILE is '{key}'" if key else "")
        raise SettingsError(f"{files}; {_problem(error, has_password)}") from error


def _check_readable(name: str, path: Path) -> None:
    try:
        path.open("rb").close()
    except OSError as error:
        reason = error.strerror
        raise SettingsError(f"{name} is '{path}', which cannot be read ({reason}); give a file that can be.") from error


def _problem(error: ssl.SSLError | ValueError, has_password: bool) -> str:
    if isinstance(error, ssl.SSLError) and error.reason == "KEY_VALUES_MISMATCH":
        return "the key is not that of the certificate, so give the key that it was made with."
    if has_password:
        return "the key has a password, so set NALU_SSL_KEYFILE_PASSWORD to it."
    return "no certificate with its private key in PEM is there, so give both, in one file or two."


def new_context() -> ssl.SSLContext:
    """A context for servers, without a certificate: TLS 1.2 or newer, with Python's choice of ciphers."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)


class ContextFactory:
    """Makes the context of a process; uvicorn sends it to each worker.

    Args:
        settings: name the certificate.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def __call__(self, _: uvicorn.Config, __: Callable[[], ssl.SSLContext]) -> ssl.SSLContext:
        """The context, as uvicorn asks for it."""
        context = new_context()
        load_certificate(context, self._settings)
        CONTEXTS.append(context)
        return context


def reload_certificate(settings: Settings) -> None:
    """Read the certificate again, for new connections; one that is invalid is logged, and the one before stays."""
    if settings.ssl_certfile is None or not CONTEXTS:
        return
    try:
        load_certificate(new_context(), settings)  # a context that fails halfway would be left without its key
        for context in CONTEXTS:
            load_certificate(context, settings)
    except SettingsError as error:
        logger.error("%s The certificate that was read before stays.", error)
    else:
        logger.info("Read the certificate %s.", settings.ssl_certfile)
