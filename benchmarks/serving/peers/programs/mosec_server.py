"""mosec: HTTP and batches in Rust, a worker process in Python for each route.

Requests are decoded and checked by msgspec, as in mosec's own typed mixin. A worker gets the body without its headers.

``python -m benchmarks.serving.peers.programs.mosec_server --port PORT --batch REQUESTS``
"""

import argparse
from typing import Any

import msgspec
from mosec import Server, Worker
from mosec.errors import ValidationError

from benchmarks.serving.peers.programs import models

WAIT_MS = 1
"""For a batch to fill, the least that mosec takes."""


class TabularRequest(msgspec.Struct):
    """The body of a request for rows."""

    model: str
    inputs: list[list[float]]


class JSONWorker(Worker):
    """Answers in JSON; ``forward`` is given a list where there are batches."""

    def forward(self, data: Any) -> Any:
        return self.predict(data) if self.max_batch_size > 1 else self.predict([data])[0]

    def predict(self, requests: list[Any]) -> list[Any]:
        """The responses of a batch."""
        raise NotImplementedError

    def serialize(self, data: Any) -> bytes:
        return msgspec.json.encode(data)


class Rows(JSONWorker):
    """Rows of numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.sessions = {models.ROWS: models.load(models.ROWS)}
        self.decoder = msgspec.json.Decoder(TabularRequest)

    def deserialize(self, data: bytes) -> TabularRequest:
        try:
            request = self.decoder.decode(data)
        except msgspec.ValidationError as error:
            raise ValidationError(str(error)) from error
        if request.model not in self.sessions:
            raise ValidationError(f"There is no model '{request.model}'.")
        return request

    def predict(self, requests: list[TabularRequest]) -> list[dict[str, Any]]:
        rows = [row for request in requests for row in request.inputs]
        outputs = iter(models.predict_rows(self.sessions[requests[0].model], rows).tolist())
        return [{"predictions": [next(outputs) for _ in request.inputs]} for request in requests]


class Images(JSONWorker):
    """Image files in a form."""

    def __init__(self) -> None:
        super().__init__()
        self.sessions = {models.IMAGES: models.load(models.IMAGES)}

    def deserialize(self, data: bytes) -> tuple[str, list[bytes]]:
        return models.form(bytes(data))

    def predict(self, requests: list[tuple[str, list[bytes]]]) -> list[dict[str, Any]]:
        return [
            {"predictions": [models.predict_image(self.sessions[model], file) for file in files]}
            for model, files in requests
        ]


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--batch", type=int, default=1)
    batch = parser.parse_known_args()[0].batch
    server = Server()
    server.append_worker(Rows, route="/predict/arithmetic", max_batch_size=batch, max_wait_time=WAIT_MS)
    server.append_worker(Images, route="/predict/image", max_batch_size=batch, max_wait_time=WAIT_MS)
    server.run()
