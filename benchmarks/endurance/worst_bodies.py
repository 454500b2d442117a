"""Bodies made to hurt: as long, as deep, in as many parts and with as many pixels as the limits allow, or more."""

import gzip
import io
import json
import struct
from collections.abc import Callable

import numpy as np
from PIL import Image

from benchmarks.serving.bodies import BOUNDARY, Body, arithmetic, image_request, jpeg, png, rows
from benchmarks.serving.http_client import post, request

JSON, FORM = "application/json", f"multipart/form-data; boundary={BOUNDARY}"
BODY_BYTES = 16 * 2**20
"""The default limit of a body."""
REST = BODY_BYTES - 100
"""Without what stands around it."""
SIDE = 5000
"""Side of a square image at the default limit of pixels."""
UNRESIZED_SIDE = 2000
"""The same for models that do not resize."""
ROWS = "/predict/arithmetic"
IMAGES = "/predict/image"


def small_requests() -> list[bytes]:
    """A usual request of each kind: what the first of a kind loads is no part of what is left behind."""
    return [
        post(arithmetic([[3, 4]])),
        post(arithmetic(rows(100))),
        post(image_request([png()])),
        post(image_request([jpeg()])),
        post(image_request([_image("PNG", "L", 64)], "digit-sum")),
        *(post(image_request([_image(kind, mode, 64)])) for kind, mode in _KINDS),
        _gzipped(arithmetic([[3, 4]])),
        _table(b"a,b\n3,4\n"),
        _binary_tensor(1),
        request("POST", "/v2/models/multiply/infer", JSON, _v2_json(1)),
        post(Body(ROWS, JSON, b'{"model": "multiply", "inputs": [["3", 1]]}')),
    ]


def worst_requests() -> dict[str, Callable[[], bytes]]:
    """By name, what makes the request: all of them together would fill the memory of the client."""
    return {**_json_requests(), **_table_requests(), **_image_requests()}


def _json_requests() -> dict[str, Callable[[], bytes]]:
    prefix, rest = b'{"model":"multiply","inputs":', REST
    return {
        "100,000 rows": lambda: post(arithmetic(rows(100_000))),
        "one row of 2,000,000 numbers": lambda: _posted(ROWS, prefix + b"[[" + b"1," * 1_999_000 + b"1]]}"),
        "a row for each number": lambda: _posted(ROWS, prefix + b"[" + b"[1]," * 900_000 + b"[1]]}"),
        "16 MiB of opening brackets": lambda: _posted(ROWS, prefix + b"[" * rest),
        "rows nested to the limit": lambda: _posted(ROWS, prefix + b"[" + _nested(60_000) + b"]}"),
        "a number of 16 million digits": lambda: _posted(ROWS, prefix + b"[[" + b"7" * rest + b",1]]}"),
        "a string of 16 MiB": lambda: _posted(ROWS, b'{"model":"' + b"a" * rest + b'","inputs":[[1,2]]}'),
        "a string of escapes": lambda: _posted(ROWS, b'{"model":"' + b"\\u00e4" * (rest // 6) + b'","inputs":[[1,2]]}'),
        "a million keys": lambda: _posted(ROWS, b"{" + b",".join(b'"k%d":1' % key for key in range(900_000)) + b"}"),
        "a million strings in rows": lambda: _posted(ROWS, prefix + b"[[" + b'"1",' * 1_900_000 + b'"1"]]}'),
        "a compressed body that inflates past the limit": lambda: request(
            "POST", ROWS, JSON, gzip.compress(b" " * 2**28), Content_Encoding="gzip"
        ),
        "a compressed body of 100,000 rows": lambda: _gzipped(arithmetic(rows(100_000))),
    }


def _table_requests() -> dict[str, Callable[[], bytes]]:
    return {
        "a table of 100,000 rows": lambda: _table(b"a,b\n" + b"3.25,4.5\n" * 100_000),
        "a table of a million rows": lambda: _table(b"a,b\n" + b"3,4\n" * 1_000_000),
        "a table of one line": lambda: _table(b"a" * REST),
        "a tensor of 100,000 rows": lambda: _binary_tensor(100_000),
        "a tensor of 16 MiB": lambda: _binary_tensor(1_000_000),
        "a tensor of a million rows in JSON": lambda: request(
            "POST", "/v2/models/multiply/infer", JSON, _v2_json(900_000)
        ),
    }


def _image_requests() -> dict[str, Callable[[], bytes]]:
    images = {
        f"{kind} of 25 million pixels, {mode}": lambda kind=kind, mode=mode: post(  # type: ignore[misc]
            image_request([_image(kind, mode, SIDE)])
        )
        for kind, mode in _KINDS
    }
    return images | {
        "four PNGs of 25 million pixels": lambda: post(image_request([_image("PNG", "L", SIDE)] * 4)),
        "an image of 4 million pixels, not resized": lambda: post(
            image_request([_image("PNG", "L", UNRESIZED_SIDE)], "digit-sum")
        ),
        "64 images": lambda: post(image_request([jpeg()] * 64)),
        "an image of too many pixels": lambda: post(image_request([_image("PNG", "1", 2 * SIDE)])),
        "100,000 parts": lambda: post(image_request([b""] * 100_000)),
        "a part's head of 16 MiB": lambda: request("POST", IMAGES, FORM, f"--{BOUNDARY}\r\nX: ".encode() + b"a" * REST),
        "boundaries alone": lambda: request("POST", IMAGES, FORM, f"--{BOUNDARY}\r\n".encode() * 500_000),
    }


_KINDS = [("PNG", "L"), ("PNG", "RGBA"), ("JPEG", "RGB"), ("WebP", "RGB"), ("GIF", "P"), ("TIFF", "RGB"), ("BMP", "L")]


def _image(kind: str, mode: str, side: int) -> bytes:
    """A gradient, which compresses well."""
    grey = Image.fromarray(np.broadcast_to(np.arange(side, dtype=np.uint32) * 255 // side, (side, side)).astype("u1"))
    image = grey.convert(mode)
    options = {"compression": "tiff_deflate"} if kind == "TIFF" else {}
    with io.BytesIO() as file:
        if kind == "BMP" and side**2 > BODY_BYTES:
            image = image.crop((0, 0, side, BODY_BYTES // side - 2))
        image.save(file, kind, **options)
        return file.getvalue()


def _posted(path: str, content: bytes) -> bytes:
    return request("POST", path, JSON, content)


def _nested(count: int) -> bytes:
    """So many arrays of the deepest nesting that is taken."""
    return b",".join([b"[" * 29 + b"1" + b"]" * 29] * count)


def _gzipped(body: Body) -> bytes:
    return request("POST", body.path, body.content_type, gzip.compress(body.content), Content_Encoding="gzip")


def _table(content: bytes) -> bytes:
    return request("POST", f"{ROWS}?model=multiply", "text/csv", content)


def _v2_json(count: int) -> bytes:
    data = [3, 4] * count
    tensor = {"name": "input", "shape": [count, 2], "datatype": "FP64", "data": data}
    return json.dumps({"inputs": [tensor]}, separators=(",", ":")).encode()


def _binary_tensor(count: int) -> bytes:
    size = 16 * count
    tensor = {"name": "input", "shape": [count, 2], "datatype": "FP64", "parameters": {"binary_data_size": size}}
    head = json.dumps({"inputs": [tensor]}).encode()
    content = head + struct.pack("<2d", 3, 4) * count
    length = str(len(head))
    return request(
        "POST",
        "/v2/models/multiply/infer",
        "application/octet-stream",
        content,
        Inference_Header_Content_Length=length,
    )
