"""Where the models are: in a folder, or in an object store."""

from pathlib import Path

from models.object_store import check_address, is_address


def parse_repository(value: object) -> object:
    """Read a folder, or the address of an object store; what is no text is returned as it is.

    Raises:
        ValueError: it is an address of another kind.
    """
    if not isinstance(value, str):
        return value
    return check_address(value) if is_address(value) else Path(value)
