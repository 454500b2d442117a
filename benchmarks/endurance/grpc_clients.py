"""Triton's stock gRPC clients, each asking one request after the other, which count what becomes of each request."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import numpy as np
from grpc.aio import AioRpcError
from tritonclient import grpc as triton
from tritonclient.grpc import aio
from tritonclient.utils import InferenceServerException

from benchmarks.endurance.closed_loop_client import PATIENCE_SECONDS, REFUSED_PAUSE_SECONDS, RequestOutcomes

ROWS = np.array([[3.0, 4.0]])
NOT_CONNECTED = "failed to connect to all addresses"
"""What grpcio says of a request that it sent to nobody."""
ANSWERS = ("The service is shutting down", "try again later")
"""What the service says where it answers that it is unavailable, as by HTTP's 503."""
KINDS = ("keeping", "reconnecting", "streaming", "blocking")


class GRPCClient:
    """Asks until it is stopped.

    Args:
        port: of the service, for gRPC.
        outcomes: where everything is counted.
        kind: ``"keeping"`` its channel, ``"reconnecting"`` with a new channel for each request, ``"streaming"``, or
            ``"blocking"``, which is the client without asyncio.
    """

    def __init__(self, port: int, outcomes: RequestOutcomes, kind: str) -> None:
        self.address, self.outcomes = f"127.0.0.1:{port}", outcomes
        self._ask = {
            "keeping": self._keep,
            "reconnecting": self._reconnect,
            "streaming": self._stream,
            "blocking": self._block,
        }[kind]
        self._stopped = False

    def stop(self) -> None:
        """Ask no more."""
        self._stopped = True

    async def run(self) -> None:
        """Ask until stopped."""
        while not self._stopped:
            await self._ask()
            await asyncio.sleep(0)

    async def _keep(self) -> None:
        async with aio.InferenceServerClient(self.address) as client:
            while not self._stopped:
                await self._count(lambda: client.infer("add", _inputs(), client_timeout=PATIENCE_SECONDS))

    async def _reconnect(self) -> None:
        async with aio.InferenceServerClient(self.address) as client:
            await self._count(lambda: client.infer("add", _inputs(), client_timeout=PATIENCE_SECONDS))

    async def _block(self) -> None:
        with triton.InferenceServerClient(self.address) as client:
            ask = lambda: client.infer("add", _inputs(), client_timeout=PATIENCE_SECONDS)  # noqa: E731
            while not self._stopped:
                await self._count(lambda: asyncio.to_thread(ask))

    async def _stream(self) -> None:
        """A stream's requests, each after the response to the one before."""
        waiting: asyncio.Queue[bool] = asyncio.Queue()

        async def requests() -> AsyncIterator[dict[str, object]]:
            while await waiting.get():
                yield {"model_name": "add", "inputs": _inputs()}

        async with aio.InferenceServerClient(self.address) as client:
            responses = client.stream_infer(requests())

            async def ask() -> triton.InferResult:
                waiting.put_nowait(True)
                result, error = await anext(responses)
                if error is not None:
                    raise error
                return result

            answered = True
            while answered and not self._stopped:
                answered = await self._count(ask)
            waiting.put_nowait(False)
            await asyncio.sleep(0)  # until the requests have ended
            responses.cancel()

    async def _count(self, ask: Callable[[], Awaitable[triton.InferResult]]) -> bool:
        """Ask once; returns whether the response was a prediction."""
        try:
            result = await ask()
        except (InferenceServerException, AioRpcError, StopAsyncIteration) as error:
            await self._count_error(str(error))
            return False
        right = result.as_numpy("output").tolist() == [[7.0]]
        self.outcomes.statuses[200 if right else 0] += 1
        return True

    async def _count_error(self, message: str) -> None:
        if NOT_CONNECTED in message:
            self.outcomes.refused += 1
            await asyncio.sleep(REFUSED_PAUSE_SECONDS)
        elif any(answer in message for answer in ANSWERS):
            self.outcomes.statuses[503] += 1
            await asyncio.sleep(REFUSED_PAUSE_SECONDS)
        else:
            self.outcomes.lost[message[:120] or "ended"] += 1


def _inputs() -> list[triton.InferInput]:
    return [triton.InferInput("input", [1, 2], "FP64").set_data_from_numpy(ROWS)]
