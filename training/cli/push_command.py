"""The ``push`` command."""

import shlex
from argparse import Namespace

from models.object_store import ObjectStore, StoreError, check_address
from training.cli.stored_models import find_model
from training.errors import InputError
from training.export.push import push

REQUEST_SECONDS = 300
"""Longest time of one request, as of 5 MB over a slow line."""


def run_push(options: Namespace) -> None:
    """Upload a version of a model to an object store."""
    try:
        address = check_address(options.address)
    except ValueError as error:
        raise InputError(
            f"'{options.address}' is no address of an object store; give one as s3://bucket/prefix, gs:// or az://."
        ) from error
    folder, manifest = find_model(options.repository, options.name, options.version)
    if options.as_version:
        manifest = manifest.model_copy(update={"version": options.as_version})
    uploaded: list[int] = []

    def on_file(name: str, size: int) -> None:
        uploaded.append(size)
        print(f"uploaded {name}, {size} bytes", flush=True)

    try:
        place = push(ObjectStore.open(address, request_seconds=REQUEST_SECONDS), folder, manifest, on_file)
    except StoreError as error:
        raise InputError(str(error)) from error
    print(f"pushed   {place}" if uploaded else f"{place} is there already, with the same files.")
    print(f"serve    python -m app --repository {shlex.quote(address)}")
