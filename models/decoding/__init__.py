"""Decodes image files to pixels, identically in training and serving. It needs no PyTorch.

Images are decoded as a viewer displays them: rotated by their orientation, transparency composited on white, 16 bits
scaled to 8 by dropping the lower 8, CMYK and L*a*b* converted to RGB, the first of several frames or pages. Samples
whose black and white the file does not define are rejected, see ``samples``. Colour management is not applied: ICC
profiles and gamma do not change the values.
"""

from .decode import decode_pixels
from .encoded_image import EncodedImage
from .formats import FORMATS, ImageDecodeError, format_names

pixels = decode_pixels  # alias: the name of decode_pixels in 0.1

__all__ = ["FORMATS", "EncodedImage", "ImageDecodeError", "decode_pixels", "format_names"]
