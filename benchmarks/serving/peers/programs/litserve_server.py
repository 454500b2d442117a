"""LitServe: FastAPI in one process, a worker process a route, and ZeroMQ between them, its fast queue.

Batches of 32 cost it a tenth less processor time at 64 connections and a tenth more at one; it runs without, as is its
default. ``python -m benchmarks.serving.peers.programs.litserve_server PORT``
"""

import sys
from typing import Any

import litserve
from fastapi import Request

from benchmarks.serving.peers.programs import models


class Rows(litserve.LitAPI):
    """Rows of numbers."""

    def setup(self, device: str) -> None:  # noqa: ARG002
        self.sessions = {models.ROWS: models.load(models.ROWS)}

    def predict(self, request: dict[str, Any]) -> list[list[float]]:
        predictions: list[list[float]] = models.predict_rows(
            self.sessions[request["model"]], request["inputs"]
        ).tolist()
        return predictions

    def encode_response(self, output: Any) -> dict[str, Any]:
        return {"predictions": output}


class Images(litserve.LitAPI):
    """Image files in a form."""

    def setup(self, device: str) -> None:  # noqa: ARG002
        self.sessions = {models.IMAGES: models.load(models.IMAGES)}

    def decode_request(self, request: Request) -> tuple[str, list[bytes]]:
        return request["model"], [file.file.read() for file in request.getlist("files")]

    def predict(self, request: tuple[str, list[bytes]]) -> list[dict[str, Any]]:
        model, files = request
        return models.predict_images(self.sessions[model], files)

    def encode_response(self, output: Any) -> dict[str, Any]:
        return {"predictions": output}


if __name__ == "__main__":
    routes = [Rows(api_path="/predict/arithmetic"), Images(api_path="/predict/image")]
    server = litserve.LitServer(routes, accelerator="cpu", fast_queue=True)
    server.run(
        host="127.0.0.1",
        port=int(sys.argv[1]),
        num_api_servers=1,
        log_level="critical",  # else it logs a traceback of every client that leaves
        generate_client_file=False,
    )
