"""An S3 in a process of its own: moto, in an environment that the first run installs."""

import subprocess
import time
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from obstore.store import S3Store

from benchmarks.environments import Environment
from benchmarks.serving.servers import free_port
from models.manifest import Manifest
from models.object_store import ObjectStore
from training.export.push import push

MOTO = Environment("moto", ("moto[server]==5.2.5",))
BUCKET, PREFIX = "models", "zoo"
ADDRESS = f"s3://{BUCKET}/{PREFIX}"
KEYS = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "us-east-1"}
START_SECONDS = 60.0


class Moto:
    """A moto server on a port of its own; what it holds is gone when it is killed.

    Args:
        home: folder of the environments.

    Raises:
        InstallError: moto does not install.
    """

    def __init__(self, home: Path) -> None:
        self.port = free_port()
        self._program = MOTO.python(home).parent / "moto_server"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, with an empty bucket.

        Raises:
            SystemExit: it does not answer.
        """
        command = [str(self._program), "-H", "127.0.0.1", "-p", str(self.port)]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            try:
                connection = HTTPConnection("127.0.0.1", self.port, timeout=2)
                connection.request("PUT", f"/{BUCKET}")
                if connection.getresponse().status == 200:
                    return
            except (OSError, HTTPException):
                time.sleep(0.1)
        raise SystemExit("moto did not answer within a minute.")

    def kill(self) -> None:
        """End it by SIGKILL."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def environment(self, port: int | None = None) -> dict[str, str]:
        """Variables that lead to it, or to a proxy in between."""
        endpoint = f"http://127.0.0.1:{port or self.port}"
        return {**KEYS, "AWS_ENDPOINT_URL": endpoint, "AWS_ALLOW_HTTP": "true"}

    @property
    def store(self) -> S3Store:
        """What lies below the address."""
        endpoint = f"http://127.0.0.1:{self.port}"
        keys = {"access_key_id": "key", "secret_access_key": "secret", "region": "us-east-1"}
        return S3Store(BUCKET, prefix=PREFIX, endpoint=endpoint, client_options={"allow_http": True}, **keys)

    def upload(self, repository: Path) -> None:
        """Upload the first version of all models of a folder, as ``python -m training push`` does."""
        store = ObjectStore(ADDRESS, self.store)
        for folder in sorted(repository.glob("*/1")):
            push(store, folder, Manifest.read(folder), lambda *_: None)

    def remove(self, prefix: str | None = None) -> None:
        """Remove all objects, or those below a path."""
        self.store.delete([entry["path"] for page in self.store.list(prefix) for entry in page])
