"""Example images, drawn here: GET /docs/digit.png and GET /docs/digits.png."""

import io
from functools import cache
from typing import TYPE_CHECKING

from fastapi import APIRouter, Response

if TYPE_CHECKING:
    from PIL.Image import Image

router = APIRouter(include_in_schema=False)

STROKES = {
    1: [[(6, 0), (6, 18)]],
    2: [[(0, 4), (3, 0), (9, 0), (12, 4), (11, 8), (0, 18), (12, 18)]],
    3: [[(1, 1), (11, 1), (6, 7), (11, 11), (8, 17), (1, 16)]],
    4: [[(2, 0), (0, 10), (12, 10)], [(10, 2), (9, 18)]],
    5: [[(11, 0), (2, 0), (1, 8), (8, 7), (12, 12), (8, 18), (0, 17)]],
    7: [[(0, 1), (12, 0), (4, 18)]],
}
"""Digits as lines, in boxes of 12 x 18."""
POSITIONS = ((3, 17, 14), (7, 61, 9), (1, 101, 20), (4, 133, 11), (2, 31, 53), (5, 74, 47), (7, 111, 60), (1, 143, 49))
"""Digits of the example with several, and their positions from the top left corner."""
SUPERSAMPLING = 4
"""Pixels drawn along each side of a pixel of the image."""


@router.get("/docs/digit.png")
async def digit() -> Response:
    """An example for models of one digit."""
    return Response(example_digit(), media_type="image/png")


@router.get("/docs/digits.png")
async def digits() -> Response:
    """An example for models of several digits."""
    return Response(example_digits(), media_type="image/png")


@cache
def example_digit() -> bytes:
    """A three, dark on white, 96 x 96 pixels, as PNG."""
    from PIL import Image, ImageDraw  # which a service without images never imports otherwise

    image = Image.new("L", (96, 96), 255)
    strokes = [(28, 22), (66, 22), (44, 46), (66, 60), (54, 78), (28, 74)]
    ImageDraw.Draw(image).line(strokes, fill=20, width=9, joint="curve")
    return _png(image)


@cache
def example_digits() -> bytes:
    """Eight digits whose sum is 30, dark on white, 18 pixels tall, in 176 x 88 pixels, as PNG."""
    from PIL import Image, ImageDraw

    image = Image.new("L", (176 * SUPERSAMPLING, 88 * SUPERSAMPLING), 255)
    draw = ImageDraw.Draw(image)
    for number, right, down in POSITIONS:
        for stroke in STROKES[number]:
            line = [(SUPERSAMPLING * (right + x), SUPERSAMPLING * (down + y)) for x, y in stroke]
            draw.line(line, fill=20, width=round(2.4 * SUPERSAMPLING), joint="curve")
    return _png(image.reduce(SUPERSAMPLING))


def _png(image: "Image") -> bytes:
    content = io.BytesIO()
    image.save(content, "PNG")
    return content.getvalue()
