"""MLServer: a custom runtime whose routes are custom handlers, with FastAPI's checks of a request.

``parallel_workers=0``, as for one core its documentation advises: the models run in the server's own process.
``python -m benchmarks.serving.peers.programs.mlserver_server PORT``
"""

import asyncio
import sys
from typing import Annotated, Any

from fastapi import Form, UploadFile
from mlserver import MLModel, MLServer, ModelSettings, Settings
from mlserver.handlers import custom_handler
from pydantic import BaseModel

from benchmarks.serving.peers.programs import models


class TabularRequest(BaseModel):
    """The body of a request for rows."""

    model: str
    inputs: list[list[float]]


class Models(MLModel):
    """Both models."""

    async def load(self) -> bool:
        self.sessions = {name: models.load(name) for name in (models.ROWS, models.IMAGES)}
        return True

    @custom_handler(rest_path="/predict/arithmetic")
    async def rows(self, request: TabularRequest) -> dict[str, Any]:
        """Rows of numbers."""
        return {"predictions": models.predict_rows(self.sessions[request.model], request.inputs).tolist()}

    @custom_handler(rest_path="/predict/image")
    async def images(self, model: Annotated[str, Form()], files: list[UploadFile]) -> dict[str, Any]:
        """Image files in a form."""
        return {"predictions": models.predict_images(self.sessions[model], [await file.read() for file in files])}


async def serve(port: int) -> None:
    """Run it; gRPC and metrics get ports that are free."""
    settings = Settings(debug=False, host="127.0.0.1", http_port=port, grpc_port=0, metrics_port=0, parallel_workers=0)
    await MLServer(settings).start([ModelSettings(name="models", implementation=Models)])


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
