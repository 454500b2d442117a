"""Keys and certificates for tests, made with the openssl command."""

import ssl
import subprocess
from pathlib import Path
from typing import NamedTuple


class Certificate(NamedTuple):
    """A key, and a certificate for it that is signed with it."""

    key: Path
    certificate: Path

    def client(self) -> ssl.SSLContext:
        """A client that trusts this certificate alone."""
        context = ssl.create_default_context(cafile=str(self.certificate))
        context.check_hostname = False
        return context


def make_certificate(folder: Path, name: str = "localhost", password: str = "") -> Certificate:
    """A new one, in the folder; with a password, the key is encrypted."""
    key, certificate = folder / f"{name}.key", folder / f"{name}.pem"
    command = f"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -days 2 -subj /CN={name}"
    protection = ["-passout", f"pass:{password}"] if password else ["-nodes"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*command.split(), *protection, *files], check=True, capture_output=True)
    return Certificate(key, certificate)
