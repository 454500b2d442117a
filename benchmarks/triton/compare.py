"""What two servers say of a model, and answer, and where they differ."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Arrays = Mapping[str, NDArray[Any]]
TENSOR_KEYS = ("datatype", "shape")
TEXTS = (b"Bern", b"Oslo", b"Rome", "Zürich".encode())
ZEROS = 0.05
"""Share of a table's numbers."""


def metadata_differences(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> list[str]:
    """Names of what differs in the metadata of a model, as HTTP has it; tensors are compared in any order."""
    differing = [key for key in ("name", "platform", "versions") if ours.get(key) != theirs.get(key)]
    for key in ("inputs", "outputs"):
        own, other = ({tensor["name"]: tensor for tensor in each[key]} for each in (ours, theirs))
        differing += [f"{key}: {name}" for name in sorted(own.keys() ^ other.keys())]
        for name in sorted(own.keys() & other.keys()):
            differing += [f"{name}: {part}" for part in TENSOR_KEYS if own[name].get(part) != other[name].get(part)]
    return differing


@dataclass
class Difference:
    """Between answers.

    Args:
        values: that were compared.
        unequal: not equal to the last bit; of text, not equal.
        largest: difference of numbers, relative to the largest answer of its output.
    """

    values: int = 0
    unequal: int = 0
    largest: float = 0.0

    def add(self, ours: Arrays, theirs: Arrays) -> None:
        """Compare the outputs of one request.

        Raises:
            ValueError: they have other names, shapes or datatypes.
        """
        if ours.keys() != theirs.keys():
            raise ValueError(f"The outputs are {sorted(ours)} and {sorted(theirs)}.")
        for name, own in ours.items():
            other = theirs[name]
            if (own.shape, own.dtype) != (other.shape, other.dtype):
                raise ValueError(f"Output '{name}' is {own.dtype} {own.shape} and {other.dtype} {other.shape}.")
            self.values += own.size
            self.unequal += int((~_equal(own, other)).sum())
            self.largest = max(self.largest, _largest(own, other))

    def shown(self) -> str:
        """In a table."""
        return f"{self.largest:.0e}" if self.unequal else "0"


def _equal(own: NDArray[Any], other: NDArray[Any]) -> NDArray[np.bool_]:
    equal = own == other
    return np.asarray(equal | ((own != own) & (other != other)), dtype=bool)


def _largest(own: NDArray[Any], other: NDArray[Any]) -> float:
    """Relative difference; infinite where one is finite and the other is not, or is text and differs."""
    unequal = ~_equal(own, other)
    if not unequal.any():
        return 0.0
    if own.dtype.kind not in "fiu":
        return float("inf")
    own, other = own.astype(np.float64), other.astype(np.float64)
    if not np.isfinite(np.concatenate([own[unequal], other[unequal]])).all():
        return float("inf")
    scale = np.abs(own[np.isfinite(own)]).max()
    return float(np.abs(own[unequal] - other[unequal]).max() / scale)


def random_requests(
    metadata: Mapping[str, Any], image: Mapping[str, Any] | None, count: int, most_rows: int
) -> Iterator[dict[str, NDArray[Any]]]:
    """Inputs of requests with one to ``most_rows`` rows or images, by input.

    Args:
        metadata: of the model.
        image: its size, as the manifest has it; None: it takes none.
        count: of requests.
        most_rows: in one request.
    """
    random = np.random.default_rng(0)
    for _ in range(count):
        sizes = {0: int(random.integers(1, most_rows + 1))}
        if image is not None:
            sizes |= {2: image["height"] + int(random.integers(40)), 3: image["width"] + int(random.integers(40))}
        yield {
            tensor["name"]: _values(random, tensor["datatype"], _filled(tensor["shape"], sizes))
            for tensor in metadata["inputs"]
        }


def _filled(shape: Sequence[int], sizes: Mapping[int, int]) -> list[int]:
    return [sizes[axis] if size == -1 else size for axis, size in enumerate(shape)]


def _values(random: np.random.Generator, datatype: str, shape: list[int]) -> NDArray[Any]:
    """Of any size and sign, with some zeros: where numbers are divided, answers are infinite and NaN too."""
    if datatype == "UINT8":
        return random.integers(0, 256, shape, dtype=np.uint8)
    if datatype == "BYTES":
        return np.asarray(random.choice(np.array(TEXTS, dtype=object), shape), dtype=object)
    if datatype == "INT64":
        return random.integers(-1000, 1000, shape)
    values = random.normal(0, 1, shape) * 10.0 ** random.uniform(-3, 3, shape)
    values[random.random(shape) < ZEROS] = 0
    return values.astype({"FP32": np.float32, "FP64": np.float64}[datatype])
