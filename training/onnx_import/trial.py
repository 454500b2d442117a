"""Runs a graph before it is imported: finds a row that it takes, and whether rows are independent of one another."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, product
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from models.manifest import NUMPY_TYPES
from training.errors import InputError
from training.onnx_import.session import first_sentence
from training.onnx_import.signature import Port

FREE_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 224, 256)
"""Sizes that are tried, in this order, for every free axis but the batch."""
MAX_TEXTS = 256
"""Combinations of strings that are tried."""
ROWS = 3
"""Rows that are computed together and alone."""
TOLERANCES = {"f2": 2e-2, "f4": 1e-3, "f8": 1e-6}
"""Largest difference of a row alone and among others, relative to the largest value; kernels differ by batch size."""

Row = list[NDArray[Any]]
"""A value of each input, with a batch axis of 1."""


@dataclass(frozen=True)
class Trial:
    """What the runs showed.

    Args:
        example: a row that the graph takes, one array an input, without the batch axis.
        outputs: of ``ROWS`` rows.
    """

    example: list[NDArray[Any]]
    outputs: list[NDArray[Any]]


def find_example(session: Any, ports: Sequence[Port], texts: Sequence[str], path: Path) -> Row:
    """A row that the graph takes: ones, small sizes, and strings that the graph knows.

    Args:
        session: of the graph.
        ports: its inputs.
        texts: strings that stand in the graph, such as categories.
        path: of the model, for the message.

    Raises:
        InputError: the graph takes none of the rows that were tried.
    """
    reason = ""
    for row in _candidates(ports, texts):
        try:
            session.run(None, _feed(ports, row))
        except Exception as error:  # ONNX Runtime's own exceptions share no base but this
            reason = first_sentence(str(error))
        else:
            return row
    raise InputError(
        f"{path} computes none of the rows that were tried, such as one of ones ({reason}); export it so that rows of "
        "ones, or of its first categories, have a result."
    )


def run_trial(session: Any, ports: Sequence[Port], example: Row, *, alone: Any = None) -> Trial | None:
    """Compute rows together and alone.

    Args:
        session: of the graph.
        ports: its inputs.
        example: a row that it takes.
        alone: the session that computes the rows alone; None: the same.

    Returns:
        None where rows cannot be computed together, or have other results than alone.
    """
    rows = _varied(ports, example)
    try:
        together = session.run(None, _feed(ports, rows))
        singles = [(alone or session).run(None, _feed(ports, [each[i : i + 1] for each in rows])) for i in range(ROWS)]
    except Exception:  # as above: it has a fixed batch, or rejects the values
        return None
    for output, *parts in zip(together, *singles, strict=True):
        if not _equal(np.asarray(output), [np.asarray(part) for part in parts]):
            return None
    return Trial([np.array(each[0], each.dtype) for each in example], [np.asarray(output) for output in together])


def texts_of(nodes: Sequence[onnx.NodeProto]) -> list[str]:
    """The first string of every list of strings in the graph, in the order of its nodes."""
    lists = (attribute.strings for node in nodes for attribute in node.attribute if attribute.strings)
    return list(dict.fromkeys(strings[0].decode(errors="replace") for strings in lists))


def _candidates(ports: Sequence[Port], texts: Sequence[str]) -> Iterator[Row]:
    shapes = [port.shape or () for port in ports]
    sizes = FREE_SIZES if any(-1 in shape[1:] for shape in shapes) else (1,)
    whole = [port for port in ports if "INT" in port.datatype]
    for size in sizes:
        for number in (1, 0) if whole else (1,):
            for strings in _strings(ports, size, texts):
                yield [_value(port, size, number, strings) for port in ports]


def _strings(ports: Sequence[Port], size: int, texts: Sequence[str]) -> Iterator[Iterator[str]]:
    """Values for all strings of a row: the graph's own in their order first, as each column has its categories."""
    count = sum(int(np.prod(_sizes(port, size))) for port in ports if port.datatype == "BYTES")
    own = ((*texts, *[""] * count)[:count], [""] * count) if count else ([],)
    others = islice(product(texts, repeat=min(count, 8)), MAX_TEXTS) if count else ()
    for values in (*own, *others):
        yield iter((*values, *[""] * (count - len(values))))


def _sizes(port: Port, size: int) -> list[int]:
    assert port.shape is not None
    return [1, *(size if axis == -1 else axis for axis in port.shape[1:])]


def _value(port: Port, size: int, number: int, strings: Iterator[str]) -> NDArray[Any]:
    shape = _sizes(port, size)
    if port.datatype == "BYTES":
        return np.array([next(strings) for _ in range(int(np.prod(shape)))], object).reshape(shape)
    return np.full(shape, number if "INT" in port.datatype else 1, NUMPY_TYPES[port.datatype])


def _varied(ports: Sequence[Port], example: Row) -> Row:
    """Rows whose numbers with a fraction differ; whole numbers may be indices, and strings categories."""
    random = np.random.default_rng(0)
    rows = []
    for port, value in zip(ports, example, strict=True):
        several = np.repeat(value, ROWS, axis=0)
        if port.datatype.startswith("FP"):
            several = random.normal(size=several.shape).astype(several.dtype)
        rows.append(several)
    return rows


def _feed(ports: Sequence[Port], row: Row) -> dict[str, NDArray[Any]]:
    return {port.name: value for port, value in zip(ports, row, strict=True)}


def _equal(together: NDArray[Any], parts: list[NDArray[Any]]) -> bool:
    """Whether an output has one row for each row of the input, which is that of the row alone."""
    if together.ndim == 0 or len(together) != ROWS or any(part.shape != (1, *together.shape[1:]) for part in parts):
        return False
    alone = np.concatenate(parts)
    tolerance = TOLERANCES.get(together.dtype.str[1:])
    if tolerance is None:
        return bool((together == alone).all())
    scale = np.abs(together[np.isfinite(together)]).max(initial=0)
    return np.allclose(together, alone, rtol=0, atol=tolerance * float(scale), equal_nan=True)
