"""``python -m app.auth NAME >> keys.txt`` makes an API key, shows it once, and appends its line to the file."""

import argparse
import os
import secrets
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from hashlib import sha256

from app.auth.key_file import NAME, parse_models
from app.settings.rate import parse_rate


def main(arguments: Sequence[str] | None = None) -> int:
    """Make a key: print its line for the file to standard output, and the key itself to standard error only.

    Returns the exit code, 2 where the line cannot be written.
    """
    options = _parser().parse_args(arguments)
    key = secrets.token_urlsafe(32)
    fields = [options.name, sha256(key.encode()).hexdigest()]
    fields += [f"models={','.join(sorted(options.models))}"] if options.models else []
    fields += [f"rate={options.rate}"] if options.rate else []
    try:
        sys.stdout.write(f"{' '.join(fields)}\n")
        sys.stdout.flush()
    except OSError as error:  # a full disk or a closed pipe: without its line the key would be worth nothing
        sys.stderr.write(f"The line of {options.name} cannot be written ({error.strerror}), so no key was made.\n")
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes once more when it ends
        return 2
    sys.stderr.write(f"The key of {options.name}, shown only now: {key}\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m app.auth",
        description="Make an API key. Its line for the file that NALU_API_KEYS_FILE names goes to standard output, "
        "the key itself to standard error: it is shown only now.",
    )
    name_help = "name of the key: letters, digits, dot, underscore, hyphen and @, up to 64"
    parser.add_argument("name", type=_name, help=name_help)
    parser.add_argument("--models", type=_checked(parse_models), help="models that it may use, as add,multiply; all")
    parser.add_argument("--rate", type=_checked(parse_rate), help="requests that it may send, as 100/s or 6000/min")
    return parser


def _name(text: str) -> str:
    if not NAME.fullmatch(text):
        raise argparse.ArgumentTypeError(
            f"'{text}' is not a valid name: give letters, digits, dots, underscores, hyphens and @, up to 64."
        )
    return text


def _checked(parse: Callable[[str], object]) -> Callable[[str], object]:
    def checked(text: str) -> object:
        try:
            return parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(f"'{text}' {error}.") from error

    return checked


if __name__ == "__main__":
    sys.exit(main())
