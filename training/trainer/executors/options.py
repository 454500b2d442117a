"""The options ``--on`` and ``--jobs``; importing this needs no PyTorch, so that ``--help`` is fast."""

import argparse

LOCAL, PROCESSES, RAY = "local", "processes", "ray"
DASK_SCHEMES = ("tcp://", "tls://")
KINDS = "local, processes, tcp://HOST:8786 or tls://HOST:8786 (Dask), ray"


def add_executor_options(parser: argparse.ArgumentParser, tasks: str) -> None:
    """Add both.

    Args:
        parser: of a command.
        tasks: what runs at the same time, in the plural.
    """
    parser.add_argument(
        "--on",
        type=_on,
        metavar="WHERE",
        help=f"where {tasks} run: {KINDS}; see docs/training.md (default: local, with --jobs processes)",
    )
    parser.add_argument(
        "--jobs",
        type=_jobs,
        metavar="N",
        help=f"{tasks} at the same time, each in a process of its own (default: 1; with --on processes: one a core)",
    )


def _on(text: str) -> str:
    host, _, port = text.partition("://")[2].rpartition(":")
    if text in (LOCAL, PROCESSES, RAY) or (text.startswith(DASK_SCHEMES) and host and port.isdigit()):
        return text
    raise argparse.ArgumentTypeError(f"'{text}' is none of {KINDS}")


def _jobs(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number of at least 1")
    return int(text)
