"""What the user says about how a table is written."""

from dataclasses import dataclass

from training.errors import InputError


@dataclass(frozen=True)
class TableFormat:
    """What the user says about how a table is written; None finds it.

    Args:
        delimiter: between fields.
        decimal: the decimal mark, ``.`` or ``,``.
        thousands: the thousands separator.
        encoding: of the text, a codec of Python.
        header: whether the first line names the columns.
        sheet: of a spreadsheet.
    """

    delimiter: str | None = None
    decimal: str | None = None
    thousands: str | None = None
    encoding: str | None = None
    header: bool | None = None
    sheet: str | None = None

    def __post_init__(self) -> None:
        if self.decimal and self.decimal == self.thousands:
            raise InputError(
                f"--decimal and --thousands are both '{self.decimal}'; give two marks, or one of the options."
            )


FOUND = TableFormat()
"""All is found."""
