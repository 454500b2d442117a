"""python -m app.predict MODEL TABLE: predict for every row of a table."""

import argparse
import os
import sys
from collections.abc import Sequence

from app.backends import BackendError
from app.errors import ServiceError
from app.predict.errors import PredictError
from app.predict.model import load_latest
from app.settings import SettingsError, read_settings
from models.manifest import ManifestError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code, 2 for what its user can correct."""
    options = _parser().parse_args(arguments)
    try:
        from app.predict.run import predict_table
    except ImportError as error:
        return _fail(f"app.predict needs {error.name}: install it with pip install 'nalu-serve[tables]'.")
    try:
        model = load_latest(read_settings(repository=options.repository), options.model, options.version, _say)
        summary = predict_table(model, options.table, options.output)
    except ServiceError as error:
        return _fail(error.detail)
    except (SettingsError, BackendError, ManifestError, PredictError) as error:
        return _fail(str(error))
    except BrokenPipeError:  # as by `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes it at its end
        return 1
    except KeyboardInterrupt:
        _fail("Interrupted; no file was written.")
        return 130
    for line in summary:
        print(line, file=sys.stderr)
    return 0


def _fail(message: str) -> int:
    _say(message)
    return 2


def _say(message: str) -> None:
    for line in message.splitlines():
        print(f"nalu-serve: {line}", file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m app.predict",
        description="Predict for every row of a table, in little memory whatever its length.",
        epilog="The output is the table with the columns predicted_..., extrapolated and warnings. "
        "docs/serving.md has examples.",
    )
    parser.add_argument("model", metavar="MODEL", help="name of the model")
    parser.add_argument("table", metavar="TABLE", help="CSV or Parquet, by its content; - reads CSV from stdin")
    parser.add_argument(
        "--output", metavar="FILE", default="-", help=".csv or .parquet; - writes CSV to stdout, which is the default"
    )
    parser.add_argument(
        "--repository",
        metavar="DIR",
        help="folder of the models, or their address, as s3://bucket/prefix (NALU_REPOSITORY; repository)",
    )
    parser.add_argument("--version", type=int, metavar="N", help="version of the model; the highest by default")
    return parser


if __name__ == "__main__":
    sys.exit(main())
