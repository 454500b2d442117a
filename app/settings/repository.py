"""Where the models are: in a folder, or in an object store."""

import re
from pathlib import Path

from pydantic import ValidationInfo

from models.manifest import NAME_PATTERN
from models.object_store import check_address, is_address


def parse_repository(value: object) -> object:
    """Read a folder, or the address of an object store; what is no text is returned as it is.

    Raises:
        ValueError: it is an address of another kind.
    """
    if not isinstance(value, str):
        return value
    return check_address(value) if is_address(value) else Path(value)


def parse_model_name(value: object, info: ValidationInfo) -> object:
    """Check the name of the one model of the repository's folder; what is no text is returned as it is.

    Raises:
        ValueError: it is no name of a model, or the repository is an object store.
    """
    if not isinstance(value, str):
        return value
    if not re.fullmatch(NAME_PATTERN, value):
        raise ValueError("must be up to 64 letters, digits, dots, underscores and hyphens, the first a letter or digit")
    if isinstance(info.data.get("repository"), str):
        raise ValueError("NALU_REPOSITORY is an object store, not the folder of one model; leave out one of them")
    return value
