"""An image file: opened within limits, decoded once."""

import io

from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile

from ..arrays import ByteArray
from .avif import as_still, check_frames
from .common_jpeg import CommonJPEG, read_common_jpeg
from .decode import OVERSAMPLING, decode_pixels
from .end_markers import decode_without_end, has_end
from .formats import ImageDecodeError, not_an_image, supported_formats
from .limits import CountedReads, limited_file
from .small_png import read_small_png
from .tiff import check_layout, check_strips, silence, unsupported_samples

MISSING_END = "The {} lacks its end marker, as if it had been cut off; all of its pixels were read."
_TOO_MANY_PIXELS = (Image.DecompressionBombError, Image.DecompressionBombWarning)


class EncodedImage:
    """An image file whose header was read.

    Args:
        content: its bytes.

    Raises:
        ImageDecodeError: they are of no supported format.
        PIL.Image.DecompressionBombError: the header declares more pixels than Pillow accepts.
        PIL.Image.DecompressionBombWarning: likewise, where such warnings are errors.
    """

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.warning: str | None = None
        """A sentence about the file, once it is decoded; None: it is sound."""
        self._common = read_small_png(content) or read_common_jpeg(content)
        self.is_sequential_jpeg = isinstance(self._common, CommonJPEG)
        """Whether it is a JPEG that is not progressive."""
        if self._common is not None:
            self.size = self._common.size
            """Width and height as they are stored, before the image is turned upright."""
        else:
            self._open(content)
            self.size = self._image.size
            self.is_sequential_jpeg = isinstance(self._image, JpegImageFile) and "progressive" not in self._image.info

    def can_reduce(self, needed: int) -> bool:
        """Whether ``decode`` with a needed size decodes a reduced one, in a fraction of the time."""
        return self.is_sequential_jpeg and min(self.size) >= 2 * OVERSAMPLING * needed

    def _open(self, content: bytes) -> None:
        """Have Pillow read the header."""
        try:
            silence()
            check_strips(content)
            file = limited_file(content)
            self._image = Image.open(file, formats=supported_formats())
            check_layout(self._image)
            if self._image.format == "AVIF":
                self._image = Image.open(io.BytesIO(as_still(content)), formats=("AVIF",))
                check_frames(content, *self._image.size)
        except (ImageDecodeError, *_TOO_MANY_PIXELS):
            raise
        except Exception as error:  # decoders raise all kinds of exceptions on corrupt files
            raise unsupported_samples(content) or not_an_image(content) from error
        if isinstance(file, CountedReads):
            file.allow_pixels(self._image.width * self._image.height)

    def decode(self, mode: str, needed: int | None = None) -> ByteArray:
        """Decode the pixels, see ``decode_pixels``; once.

        Raises:
            ImageDecodeError: the file is truncated or corrupt, or does not define which samples are black and white.
        """
        if self._common is not None:
            common, self._common = self._common, None
            decoded = common.decode(mode, needed)
            if decoded is not None:
                self._content = b""
                return decoded
            self._open(self._content)
        is_jpeg = isinstance(self._image, JpegImageFile)
        lacks_end = not has_end("JPEG" if is_jpeg else self._image.format, self._content)
        try:
            with self._image as image:
                if lacks_end and is_jpeg:  # missing pixels would be grey
                    decoded = self._decode_without_end(mode, needed)
                else:
                    decoded = decode_pixels(image, mode, needed)
        except ImageDecodeError:
            raise
        except Exception as error:  # as above
            if not is_jpeg:
                raise not_an_image(self._content) from error
            decoded, lacks_end = self._decode_without_end(mode, needed), True
        if lacks_end:
            self.warning = MISSING_END.format("JPEG" if is_jpeg else self._image.format)
        self._content = b""
        return decoded

    def _decode_without_end(self, mode: str, needed: int | None) -> ByteArray:
        def decode(content: bytes) -> ByteArray:
            with Image.open(io.BytesIO(content), formats=("JPEG",)) as image:
                return decode_pixels(image, mode, needed)

        decoded = decode_without_end(self._content, decode)
        if decoded is None:
            raise not_an_image(self._content)
        return decoded
