"""scikit-learn's bundled handwritten digits: other writers and another scanner than MNIST's.

Source: E. Alpaydin, C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning Repository, 1998.
"""

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

from models.arrays import ByteArray

MAX_SHADE = 16
"""The collection's grey images of 8x8 pixels have shades of 0 to 16."""


def load_sklearn_digits() -> tuple[ByteArray, ByteArray]:
    """All 1,797 in MNIST's format, light on black and 20 pixels tall in a frame of 28; no network needed.

    Shape:
        images: ``(1797, 28, 28)``. labels: ``(1797,)``, 0 to 9.
    """
    data = load_digits()
    frames = np.zeros((len(data.images), 28, 28), np.uint8)
    for frame, image in zip(frames, np.rint(data.images * (255 / MAX_SHADE)).astype(np.uint8), strict=True):
        frame[4:24, 4:24] = np.asarray(Image.fromarray(image).resize((20, 20), Image.Resampling.BICUBIC))
    return frames, data.target.astype(np.uint8)
