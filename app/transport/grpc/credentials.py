"""TLS for gRPC, with HTTP's certificate; a changed one is read when the next client connects."""

import logging

import grpc

from app.settings import Settings, SettingsError
from app.transport.tls import load_certificate, new_context

logger = logging.getLogger(__name__)


class Certificate:
    """The certificate that the settings name, as grpcio takes it.

    Args:
        settings: they name one.

    Raises:
        SettingsError: it cannot be read, or its key has a password.
    """

    def __init__(self, settings: Settings) -> None:
        assert settings.ssl_certfile is not None
        self._settings = settings
        self._files = (settings.ssl_keyfile or settings.ssl_certfile, settings.ssl_certfile)
        self._contents = self._read()

    def credentials(self) -> grpc.ServerCredentials:
        """The credentials of a server."""
        return grpc.dynamic_ssl_server_credentials(self._configuration(), self._changed)

    def _changed(self) -> grpc.ServerCertificateConfiguration | None:
        """For a new connection: another configuration, or None for the one before."""
        try:
            contents = self._read()
        except SettingsError as error:
            logger.error("%s gRPC goes on with the certificate that was read before.", error)
            return None
        if contents == self._contents:
            return None
        self._contents = contents
        logger.info("Read the certificate %s for gRPC.", self._settings.ssl_certfile)
        return self._configuration()

    def _configuration(self) -> grpc.ServerCertificateConfiguration:
        return grpc.ssl_server_certificate_configuration([self._contents])

    def _read(self) -> tuple[bytes, bytes]:
        """Key and certificate chain."""
        load_certificate(new_context(), self._settings)
        key, chain = (path.read_bytes() for path in self._files)
        if b"ENCRYPTED" in key:
            raise SettingsError(
                f"NALU_GRPC_PORT is {self._settings.grpc_port}, and gRPC takes no private key with a password, as that "
                f"in '{self._files[0]}' is; give one without, or leave the port out."
            )
        return key, chain
