"""The kinds of files that images are shown as, by the names that pages give them."""

from training.counting.image_variants import FORMATS

KINDS = {
    f"{file_format}, {'dark on light' if inverted else 'light on dark'}": (inverted, file_format)
    for file_format in FORMATS
    for inverted in (False, True)
}
"""Whether an image is inverted, and its format."""
