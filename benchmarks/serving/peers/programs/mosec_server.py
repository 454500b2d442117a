"""mosec: HTTP and batches in Rust, a worker process in Python for each route, which gets a body without its headers.

With ``--msgspec``, requests are decoded and checked by msgspec, as in mosec's own typed mixin, and responses encoded by
it; else by mosec's defaults, json without checks. ``python -m benchmarks.serving.peers.programs.mosec_server --port
PORT --batch REQUESTS [--msgspec]``
"""

import argparse
from typing import Any, TypedDict

import msgspec
from mosec import Server, Worker
from mosec.errors import ValidationError

from benchmarks.serving.peers.programs import models

WAIT_MS = 1
"""For a batch to fill, the least that mosec takes."""


class TabularRequest(TypedDict):
    """The body of a request for rows."""

    model: str
    inputs: list[list[float]]


class BatchWorker(Worker):
    """``forward`` is given a list where there are batches."""

    def forward(self, data: Any) -> Any:
        return self.predict(data) if self.max_batch_size > 1 else self.predict([data])[0]

    def predict(self, requests: list[Any]) -> list[Any]:
        """The responses of a batch."""
        raise NotImplementedError


class Rows(BatchWorker):
    """Rows of numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.sessions = {models.ROWS: models.load(models.ROWS)}

    def predict(self, requests: list[TabularRequest]) -> list[dict[str, Any]]:
        rows = [row for request in requests for row in request["inputs"]]
        outputs = iter(models.predict_rows(self.sessions[requests[0]["model"]], rows).tolist())
        return [{"predictions": [next(outputs) for _ in request["inputs"]]} for request in requests]


class CheckedRows(Rows):
    """By msgspec."""

    decoder = msgspec.json.Decoder(TabularRequest)

    def deserialize(self, data: bytes) -> TabularRequest:
        try:
            request = self.decoder.decode(data)
        except msgspec.ValidationError as error:
            raise ValidationError(str(error)) from error
        if request["model"] not in self.sessions:
            raise ValidationError(f"There is no model '{request['model']}'.")
        return request

    def serialize(self, data: Any) -> bytes:
        return msgspec.json.encode(data)


class Images(BatchWorker):
    """Image files in a form."""

    def __init__(self) -> None:
        super().__init__()
        self.sessions = {models.IMAGES: models.load(models.IMAGES)}

    def deserialize(self, data: bytes) -> tuple[str, list[bytes]]:
        return models.form(data)

    def predict(self, requests: list[tuple[str, list[bytes]]]) -> list[dict[str, Any]]:
        contents = [file for _, files in requests for file in files]
        outputs = iter(models.predict_images(self.sessions[requests[0][0]], contents))
        return [{"predictions": [next(outputs) for _ in files]} for _, files in requests]


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--msgspec", action="store_true")
    options, _ = parser.parse_known_args()
    batches = {"max_batch_size": options.batch, "max_wait_time": WAIT_MS}
    server = Server()
    server.append_worker(CheckedRows if options.msgspec else Rows, route="/predict/arithmetic", **batches)
    server.append_worker(Images, route="/predict/image", **batches)
    server.run()
