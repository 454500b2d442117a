"""A repository in a bucket of moto's S3, for Triton, which reads it by its own client."""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

from benchmarks.serving.servers import free_port, stop
from benchmarks.triton.servers import LOOPBACK, seconds_until

PREFIX = "models/production"
"""Bucket, and the folder in it."""
VARIABLES = {"AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any", "AWS_DEFAULT_REGION": "us-east-1"}
"""moto takes any key."""


@contextmanager
def bucket(repository: Path, python: Path, log: Path) -> Iterator[str]:
    """The address that Triton takes, of a bucket with a copy of the repository.

    Args:
        repository: the folder.
        python: of the environment that holds moto.
        log: of moto.

    Raises:
        SystemExit: moto does not start.
    """
    port = free_port()
    with log.open("ab") as output:
        command = [str(python.with_name("moto_server")), "-H", LOOPBACK, "-p", str(port)]
        process = subprocess.Popen(command, stdout=output, stderr=output, env={**os.environ, **VARIABLES})
    address = f"http://{LOOPBACK}:{port}"
    try:
        if seconds_until(lambda: _answers(address), 60) is None:
            raise SystemExit(f"moto did not start; its log: {log.read_text(encoding='utf-8')[-2000:]}")
        _put(f"{address}/{PREFIX.split('/')[0]}", b"")
        for file in sorted(path for path in repository.rglob("*") if path.is_file()):
            _put(f"{address}/{PREFIX}/{file.relative_to(repository).as_posix()}", file.read_bytes())
        yield f"s3://{address}/{PREFIX}"
    finally:
        stop(process)


def _answers(address: str) -> bool:
    try:
        with urlopen(f"{address}/moto-api/", timeout=5):
            return True
    except (URLError, OSError):
        time.sleep(0.2)
        return False


def _put(address: str, content: bytes) -> None:
    """Moto checks no signature; without a type, it would read the content as a form."""
    headers = {"Content-Type": "application/octet-stream"}
    with urlopen(Request(address, content, headers, method="PUT"), timeout=60):
        pass
