"""A table sent to POST /predict/arithmetic: its model is in the query, its answer in kind or as ``Accept`` asks."""

import asyncio
from collections.abc import Callable
from time import perf_counter
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError
from starlette.responses import Response

from app.codecs import tabular
from app.codecs.tables.answer import answer_rows
from app.codecs.tables.arrow_stream import cells_of, check_text, read_arrow, write_arrow
from app.codecs.tables.csv_text import read_csv, write_csv
from app.codecs.tables.media_types import ARROW, CSV, JSON, answer_type, no_model_error
from app.codecs.tables.table import Table
from app.codecs.validation import invalid_input
from app.http.context import RequestContext
from app.repository.load import LoadedModel
from app.schemas import TableQuery
from app.service import Service

READERS = {CSV: read_csv, ARROW: read_arrow}
T = TypeVar("T")


class TableRequest:
    """A table for a model.

    Args:
        service: the models and their limits.
        context: the request; its query names the model.
        media_type: of the body, one of ``READERS``.

    Raises:
        ServiceError: the query is invalid, there is no such model, or it is overloaded.
    """

    def __init__(self, service: Service, context: RequestContext, media_type: str) -> None:
        self._service = service
        self._context = context
        self._read = READERS[media_type]
        self._answer_type = answer_type(context.headers.get("accept", ""), media_type)
        if "model" not in context.query_params:
            raise no_model_error(media_type, context.path)
        try:
            query = TableQuery.model_validate(dict(context.query_params))
        except ValidationError as error:
            raise invalid_input(error.errors(include_url=False, include_context=False), "query") from error
        self._model = service.model(context.key, query.model, query.version)
        service.batching.queue_limiter.check()  # before its body is received, which takes long to read
        service.batching.check_queue_delay(self._model)

    async def respond(self) -> Response:
        """Receive the table, submit its rows and encode the answer.

        Raises:
            ServiceError: the table is invalid, does not fit the model or is too large, or the model is overloaded.
        """
        body = await self._context.body()
        service, manifest = self._service, self._model.manifest
        table = await self._in_thread("decode", lambda: self._read(body, manifest, service.settings))
        outputs = await service.batching.predict(self._model, table.inputs, self._context)
        content = await self._in_thread("encode", lambda: self._encode(table, outputs))
        return Response(content, media_type=self._answer_type)

    def _encode(self, table: Table, outputs: NDArray[np.float64]) -> bytes:
        if self._answer_type == CSV and table.lines is None:  # of an Arrow stream
            check_text(table.columns, table.names, self._service.settings.max_body_bytes)
        return encode_answer(self._answer_type, table, self._model, outputs)

    async def _in_thread(self, part: str, work: Callable[[], T]) -> T:
        """Do what takes long for many rows beside the event loop, in one of the threads that decode images."""
        batching = self._service.batching
        async with batching.decode_slots:
            started = perf_counter()
            done = await asyncio.get_running_loop().run_in_executor(batching.threads, work)
        self._service.metrics.observations[part, self._context.route].append(perf_counter() - started)
        return done


def encode_answer(media_type: str, table: Table, model: LoadedModel, outputs: NDArray[np.float64]) -> bytes:
    """Encode the answer to a table: the response of a JSON request, or the table with the added columns.

    Args:
        media_type: ``JSON``, ``CSV`` or ``ARROW``.
        table: of the request.
        model: that computed the outputs.
        outputs: ``(rows, outputs)``.
    """
    if media_type == JSON:
        return tabular.encode_response(model.manifest, table.inputs, outputs)
    answer = answer_rows(model.manifest, table.inputs, outputs)
    predictions = [[None if value != value else value for value in column] for column in answer.predictions.T.tolist()]
    unknown = [None] * len(table.inputs)
    extrapolated: list[Any] = unknown if answer.extrapolated is None else answer.extrapolated.tolist()
    warnings = [answer.warnings.get(row) for row in range(len(table.inputs))]
    names = [*table.names, *table.added]
    if media_type == ARROW:
        return write_arrow(names, [*table.typed_columns(), *predictions, extrapolated, warnings])
    columns = [cells_of(column, name) for column, name in zip(table.columns, table.names, strict=True)]
    flags = [None if flag is None else str(flag).lower() for flag in extrapolated]
    return write_csv(names, [*columns, *predictions, flags, warnings])
