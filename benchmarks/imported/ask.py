"""Asks the service for a case's predictions over HTTP, with the standard library as client."""

import io
import json
import struct
from http.client import HTTPConnection
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.manifest import NUMPY_TYPES

Case = dict[str, Any]
BOUNDARY = "image-boundary"


def array(tensor: dict[str, Any]) -> NDArray[Any]:
    """A tensor of a case."""
    return np.array(tensor["data"], NUMPY_TYPES[tensor["datatype"]]).reshape(tensor["shape"])


def ask(port: int, name: str, case: Case) -> dict[str, NDArray[Any]]:
    """The service's answers, by the names that the case's answers have."""
    if case["route"] == "arithmetic":
        (rows,) = case["inputs"].values()
        body = json.dumps({"model": name, "inputs": array(rows).tolist()}).encode()
        response = _post(port, "/predict/arithmetic", body, "application/json")
        return {next(iter(case["answers"])): np.array(json.loads(response)["predictions"])}
    if case["route"] == "image":
        response = _post(port, "/predict/image", *_form(name, case["inputs"]))
        predictions = json.loads(response)["predictions"]
        return {"probabilities": np.array([list(each["probabilities"].values()) for each in predictions])}
    return _infer(port, name, case)


def _infer(port: int, name: str, case: Case) -> dict[str, NDArray[Any]]:
    """In binary, which has NaN too."""
    contents = {key: _bytes(tensor) for key, tensor in case["inputs"].items()}
    inputs = [
        {
            "name": key,
            "datatype": tensor["datatype"],
            "shape": tensor["shape"],
            "parameters": {"binary_data_size": len(contents[key])},
        }
        for key, tensor in case["inputs"].items()
    ]
    header = json.dumps({"inputs": inputs}).encode()
    body = b"".join([header, *contents.values()])
    length = {"Inference-Header-Content-Length": str(len(header))}
    response = json.loads(_post(port, f"/v2/models/{name}/infer", body, "application/octet-stream", length))
    return {output["name"]: array(output) for output in response["outputs"]}


def _bytes(tensor: dict[str, Any]) -> bytes:
    if tensor["datatype"] != "BYTES":
        return array(tensor).tobytes()
    texts = [text.encode() for text in tensor["data"]]
    return b"".join(struct.pack("<I", len(text)) + text for text in texts)


def _form(name: str, images: list[Any]) -> tuple[bytes, str]:
    parts = [f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="model"\r\n\r\n{name}\r\n'.encode()]
    for place, pixels in enumerate(images):
        content = io.BytesIO()
        Image.fromarray(np.array(pixels, np.uint8)).save(content, "PNG")
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="files"; filename="{place}.png"\r\n\r\n'
        parts.append(head.encode() + content.getvalue() + b"\r\n")
    return b"".join([*parts, f"--{BOUNDARY}--\r\n".encode()]), f"multipart/form-data; boundary={BOUNDARY}"


def _post(port: int, path: str, body: bytes, content_type: str, headers: dict[str, str] | None = None) -> bytes:
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("POST", path, body, {"Content-Type": content_type, **(headers or {})})
        response = connection.getresponse()
        content = response.read()
    finally:
        connection.close()
    if response.status != 200:
        raise SystemExit(f"{path} answers {response.status}: {content[:500].decode(errors='replace')}")
    return content
