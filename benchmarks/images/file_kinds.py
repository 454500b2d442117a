"""Kinds of image files: file format and inversion, with their titles in the report."""

from training.counting.image_variants import FORMATS

FILE_KINDS = {
    f"{file_format}, {'dark on light' if inverted else 'light on dark'}": (inverted, file_format)
    for file_format in FORMATS
    for inverted in (False, True)
}
"""Whether an image is inverted, and its format."""
