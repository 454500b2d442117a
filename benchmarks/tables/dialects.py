"""Random dialects of tables: how pandas' to_csv and Excel's exports can write the same numbers."""

import csv
import io
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
from hypothesis import strategies as st

from models.arrays import FloatArray

ROWS = 200
NAMES = {
    "plain": ["a", "b", "y"],
    "spaces": ["body mass (kg)", "speed [m/s]", "energy"],
    "marks": ["a, m", "b; s", "y|N"],
    "quotes": ['a "in"', "b's", "y"],
    "lines": ["a\n[m]", "b\r\n[s]", "y"],
    "umlauts": ["Größe", "Länge", "Höhe"],
    "numbers": ["0", "1", "2"],
}
LOCALES = {
    "en-US": (",", ".", ","),
    "de-DE": (";", ",", "."),
    "fr-FR": (";", ",", "\u202f"),
    "cs-CZ": (";", ",", "\xa0"),
    "de-CH": (";", ".", "\u2019"),
}
"""List separator, decimal mark and thousands mark of Excel in these countries."""
EXCEL_FORMATS = {
    "0.00": ".2f",
    "#,##0.00": ",.2f",
    "0.000": ".3f",
    "#,##0": ",.0f",
    "0.00E+00": ".2E",
    "0": ".0f",
}
"""Number formats of cells, and Python's for the same."""
EXCEL_KINDS = {
    "CSV": "cp1252",
    "CSV UTF-8": "utf-8-sig",
    "Unicode text": "utf-16",
    "Text": "cp1252",
    "CSV Macintosh": "mac_roman",
    "CSV MS-DOS": "cp850",
}


@dataclass(frozen=True)
class PandasDialect:
    """Arguments of to_csv, and what the frame holds."""

    names: str
    values: str
    extra: str
    index: str
    header: bool
    sep: str
    decimal: str
    quoting: int
    quotechar: str
    doublequote: bool
    encoding: str
    lineterminator: str
    float_format: str | None
    compression: str | None


@dataclass(frozen=True)
class ExcelDialect:
    """How a sheet was exported."""

    names: str
    values: str
    extra: str
    kind: str
    locale: str
    number_format: str
    title: bool
    sep_line: bool
    header: bool = True


Dialect = PandasDialect | ExcelDialect
SHARED = {
    "names": st.sampled_from(list(NAMES)),
    "values": st.sampled_from(["small", "signed", "large", "whole"]),
    "extra": st.sampled_from(["none", "none", "text", "dates", "booleans"]),
}
PANDAS = st.builds(
    PandasDialect,
    **SHARED,
    index=st.sampled_from(["none", "none", "numbers", "named", "text", "dates"]),
    header=st.sampled_from([True, True, True, False]),
    sep=st.sampled_from([",", ";", "\t", "|", " ", ":", "^"]),
    decimal=st.sampled_from([".", ","]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC, csv.QUOTE_NONE]),
    quotechar=st.sampled_from(['"', '"', "'"]),
    doublequote=st.booleans(),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "cp1252", "latin-1", "mac_roman"]),
    lineterminator=st.sampled_from(["\n", "\r\n", "\r"]),
    float_format=st.sampled_from([None, None, "%.2f", "%.3f", "%.9g", "%.12e"]),
    compression=st.sampled_from([None, None, None, "gzip", "bz2", "xz", "zip"]),
)
EXCEL = st.builds(
    ExcelDialect,
    **SHARED,
    kind=st.sampled_from([*EXCEL_KINDS, "xlsx"]),
    locale=st.sampled_from(list(LOCALES)),
    number_format=st.sampled_from(list(EXCEL_FORMATS)),
    title=st.booleans(),
    sep_line=st.booleans(),
)
DIALECTS = st.one_of(PANDAS, PANDAS, EXCEL)


def numbers(dialect: Dialect) -> FloatArray:
    """The numbers in the file: rows of ``a``, ``b`` and ``y = 2 a b``, each rounded as it is written."""
    random = np.random.default_rng(0)
    a, b = random.uniform(1, 9, (2, ROWS))
    if dialect.values == "signed":
        a[::3] *= -1
    if dialect.values == "large":
        a, b = a * 12_345, b * 100
    if dialect.values == "whole":
        a, b = np.floor(a * 1000), np.floor(b * 10)
    a, b = _rounded(dialect, a), _rounded(dialect, b)
    return np.stack([a, b, _rounded(dialect, 2 * a * b)], 1)


def _rounded(dialect: Dialect, values: FloatArray) -> FloatArray:
    if isinstance(dialect, ExcelDialect):
        form = ".16g" if dialect.kind == "xlsx" else EXCEL_FORMATS[dialect.number_format]  # as openpyxl writes them
        return np.array([float(format(value, form.replace(",", ""))) for value in values])
    if dialect.float_format is None or dialect.values == "whole":
        return values
    return np.array([float(dialect.float_format % value) for value in values])


def target_of(dialect: Dialect) -> str:
    """What the column of ``y`` is called in the file."""
    if dialect.header:
        return NAMES[dialect.names][2]
    indexed = isinstance(dialect, PandasDialect) and dialect.index != "none"
    return f"x{3 + indexed + (dialect.extra != 'none')}"


def write(dialect: Dialect, path: Path) -> FloatArray:
    """Write the table, and return the numbers that stand in the file: rows of ``a``, ``b``, ``y``.

    Raises:
        csv.Error, ValueError: this is a combination that pandas does not write.
    """
    if isinstance(dialect, PandasDialect):
        _write_pandas(dialect, path)
    else:
        _write_excel(dialect, path)
    return numbers(dialect)


def _frame(dialect: Dialect) -> pd.DataFrame:
    frame = pd.DataFrame(numbers(dialect), columns=NAMES[dialect.names])
    if dialect.values == "whole":
        frame = frame.astype(int)
    extra = {
        "text": [f"item {i}" for i in range(ROWS)],
        "dates": [f"2026-{i % 12 + 1:02d}-{i % 28 + 1:02d}" for i in range(ROWS)],
        "booleans": [i % 3 == 0 for i in range(ROWS)],
    }
    if dialect.extra != "none":
        frame.insert(0, "extra", extra[dialect.extra])
    return frame


def _write_pandas(dialect: PandasDialect, path: Path) -> None:
    frame = _frame(dialect)
    labels = {"text": [f"r{i}" for i in range(ROWS)], "dates": pd.date_range("2026-01-01", periods=ROWS)}
    if dialect.index in labels:
        frame.index = pd.Index(labels[dialect.index])
    if dialect.index == "named":
        frame.index.name = "id"
    warnings.simplefilter("ignore", UnicodeWarning)  # that bz2 writes no mark of UTF-16
    frame.to_csv(
        path,
        index=dialect.index != "none",
        header=dialect.header,
        sep=dialect.sep,
        decimal=dialect.decimal,
        quoting=dialect.quoting,
        quotechar=dialect.quotechar,
        doublequote=dialect.doublequote,
        escapechar="\\" if dialect.quoting == csv.QUOTE_NONE or not dialect.doublequote else None,
        encoding=dialect.encoding,
        lineterminator=dialect.lineterminator,
        float_format=dialect.float_format,
        compression=dialect.compression,
    )


def _write_excel(dialect: ExcelDialect, path: Path) -> None:
    frame = _frame(dialect)
    separator, decimal, thousands = LOCALES[dialect.locale]
    if dialect.kind == "xlsx":
        _write_workbook(dialect, frame, path)
        return
    if dialect.kind in {"Unicode text", "Text"}:
        separator = "\t"
    shown = [[_shown(value, dialect.number_format, decimal, thousands) for value in row] for row in frame.to_numpy()]
    buffer = io.StringIO(newline="")
    end = "\r" if dialect.kind == "CSV Macintosh" else "\r\n"
    if dialect.sep_line and separator != "\t":
        buffer.write(f"sep={separator}{end}")
    writer = csv.writer(buffer, delimiter=separator, lineterminator=end)
    if dialect.title:
        writer.writerow(["Trips of May", *[""] * (frame.shape[1] - 1)])
    writer.writerow(frame.columns)
    writer.writerows(shown)
    path.write_bytes(buffer.getvalue().encode(EXCEL_KINDS[dialect.kind], "replace"))


def _write_workbook(dialect: ExcelDialect, frame: pd.DataFrame, path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    rows = [["Trips of May"], []] if dialect.title else []
    for row in [*rows, list(frame.columns), *frame.to_numpy().tolist()]:
        sheet.append(row)
    book.save(path)


def _shown(value: object, number_format: str, decimal: str, thousands: str) -> str:
    """A field as Excel displays, and therefore exports it."""
    if isinstance(value, bool | np.bool_):
        return str(value).upper()
    if isinstance(value, str):
        return value
    text = format(float(str(value)), EXCEL_FORMATS[number_format])
    return text.translate({ord("."): decimal, ord(","): thousands})
