"""The file of the API keys: a line ``NAME SHA256 [models=a,b] [rate=100/s]`` for each.

Blank lines and those that begin with # are skipped. A name may be on several lines, as while a key is being replaced.
"""

import re
from pathlib import Path
from typing import NamedTuple

from app.settings import SettingsError
from app.settings.environment import API_KEYS_FILE, read_text
from app.settings.rate import RULE, Rate, parse_rate
from models.manifest import NAME_PATTERN

COMMAND = "python -m app.auth NAME"
"""Makes a key."""
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
"""Of a key."""
MODELS_RULE = "names of models with commas between them, as add,multiply"

_SHA256 = re.compile(r"[0-9a-f]{64}")


class APIKey(NamedTuple):
    """A key, by its hash."""

    name: str
    sha256: bytes
    models: frozenset[str] | None = None
    """The models that it may use; None: all."""
    rate: Rate | None = None
    """How many requests it may send; None: as many as the settings say."""


def read_keys(path: Path) -> list[APIKey]:
    """The keys of a file.

    Raises:
        SettingsError: it cannot be read, or a line is invalid; the message shows nothing that may be a key.
    """
    keys = []
    for number, line in enumerate(map(str.strip, read_text(API_KEYS_FILE, path).splitlines()), 1):
        if line and not line.startswith("#"):
            try:
                keys.append(_parse(line))
            except ValueError as error:
                raise SettingsError(f"{API_KEYS_FILE} is '{path}', whose line {number} {error}.") from None
    return keys


def parse_models(text: str) -> frozenset[str]:
    """The names of models in a list with commas.

    Raises:
        ValueError: one is no name of a model.
    """
    names = text.split(",")
    if not all(re.fullmatch(NAME_PATTERN, name) for name in names):
        raise ValueError(f"must be {MODELS_RULE}")
    return frozenset(names)


def _parse(line: str) -> APIKey:
    parts = line.split()
    (name, digest), fields = [*parts, ""][:2], parts[2:]
    if not (NAME.fullmatch(name) and _SHA256.fullmatch(digest)):
        raise ValueError(f"is not `name sha256`; make one with {COMMAND}")
    options = dict(field.partition("=")[::2] for field in fields)
    if len(options) < len(fields) or not options.keys() <= {"models", "rate"}:
        raise ValueError("has more than one `models=` and one `rate=` after its `name sha256`; remove the rest")
    try:
        models = parse_models(options["models"]) if "models" in options else None
    except ValueError as error:
        raise ValueError(f"has `models=` with other than {MODELS_RULE}; correct it") from error
    try:
        rate = parse_rate(options["rate"]) if "rate" in options else None
    except ValueError as error:
        raise ValueError(f"has `rate=` with other than {RULE}; correct it") from error
    return APIKey(name, bytes.fromhex(digest), models, rate)
