"""An example table as an Arrow stream, for those who have nothing yet that writes one: GET /docs/table.arrows."""

import zlib
from base64 import b64decode
from functools import cache

from fastapi import APIRouter, Response

from app.codecs.tables.media_types import ARROW

router = APIRouter(include_in_schema=False)

_STREAM = (
    "eNp9UMkNAjEMHLIhRKs88lghnpSSQvhAA5RCC5TBkzcV0I0Ze42Qol1Gsp1xPJNDROQOoEIxoiBhi8wVsYnkIMvM0TMQGM3Xb+o5OKh+8p5JGR"
    "fGy/YD/SfqE3bmWP28WXfodGfO6WyyTrBMG3n4GYqCvd+0mCOGaD5HfDGSF7u1vuXkbwz4IWIdtav/+qHzxQKfkZuVdmvu4vz6FPsn4AMhGRv5"
)
"""What pyarrow.ipc writes of the rows (3, 4) and (1000, -250) with columns a and b, compressed; pyarrow is an extra."""


@router.get("/docs/table.arrows")
async def table() -> Response:
    """An example for models of columns a and b."""
    return Response(example_table(), media_type=ARROW)


@cache
def example_table() -> bytes:
    """The stream."""
    return zlib.decompress(b64decode(_STREAM))
