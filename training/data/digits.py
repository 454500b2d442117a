"""Real handwritten digits that come with scikit-learn: 1,797 grey pictures of 8x8 pixels, no network needed.

Source: E. Alpaydin, C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning Repository, 1998.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

HELD_OUT = 0.25


@dataclass(frozen=True)
class Digits:
    """Pictures, light strokes on black, and what they show.

    Shape:
        pictures: ``(n, 1, 8, 8)``, uint8. labels: ``(n,)``, integers 0 to 9.
    """

    pictures: NDArray[np.uint8]
    labels: NDArray[np.int64]


def split_digits(seed: int) -> tuple[Digits, Digits]:
    """Three quarters of the digits for training and a held-out quarter, each digit equally represented in both."""
    data = load_digits()
    pictures = np.rint(data.images * (255 / 16)).astype(np.uint8)[:, None]
    parts = train_test_split(pictures, data.target, test_size=HELD_OUT, stratify=data.target, random_state=seed)
    return Digits(parts[0], parts[2]), Digits(parts[1], parts[3])
