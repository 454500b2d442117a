"""The options that say how a table is written, where that should not be found."""

import argparse
import codecs

from training.data.tables.fields import GROUPS
from training.data.tables.open_table import TableFormat


def add_table_options(parser: argparse.ArgumentParser) -> None:
    """Add them, and ``--drop-incomplete``."""
    parser.add_argument(
        "--drop-incomplete", action="store_true", help="skip rows with missing or infinite values and count them"
    )
    group = parser.add_argument_group("how the table is written (default: found from its content)")
    group.add_argument(
        "--delimiter", type=_delimiter, help="between fields, such as ';', or tab, or space for any run of spaces"
    )
    group.add_argument("--decimal", choices=[".", ","], help="the decimal mark")
    group.add_argument("--thousands", type=_thousands, metavar="MARK", help="the thousands separator")
    group.add_argument("--encoding", type=_encoding, help="of the text, such as cp1250 or shift_jis")
    group.add_argument("--no-header", action="store_true", help="the first line is a row: columns are x1, x2 ...")
    group.add_argument("--sheet", help="of a spreadsheet (default: the first that has the columns)")


def table_format(options: argparse.Namespace) -> TableFormat:
    """What the options say.

    Raises:
        InputError: one mark was given for two things.
    """
    return TableFormat(
        delimiter=options.delimiter,
        decimal=options.decimal,
        thousands=options.thousands,
        encoding=options.encoding,
        header=False if options.no_header else None,
        sheet=options.sheet,
    )


def _delimiter(text: str) -> str:
    mark = {"tab": "\t", "\\t": "\t", "space": " ", "comma": ",", "semicolon": ";"}.get(text.lower(), text)
    if len(mark) != 1 or not mark.isascii() or mark.isalnum() or mark in '"\r\n':
        raise argparse.ArgumentTypeError(
            f"'{text}' is not a delimiter: give one character other than a letter, digit or quote"
        )
    return mark


def _thousands(text: str) -> str:
    mark = {"space": " "}.get(text.lower(), text)
    if mark not in GROUPS:
        raise argparse.ArgumentTypeError(f"'{text}' is not a thousands separator: give . , ' or space")
    return mark


def _encoding(text: str) -> str:
    try:
        info = codecs.lookup(text)
        b"1".decode(info.name, "replace")  # not base64, which has no text, nor idna, which is strict
    except (LookupError, UnicodeError) as error:
        raise argparse.ArgumentTypeError(f"'{text}' is not an encoding that Python knows") from error
    return info.name
