"""Predicts for the batches of a table, from its reader to its writer."""

import sys
from collections.abc import Iterator
from time import perf_counter
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from tqdm import tqdm

from app.codecs.tables.answer import Answer, answer_rows
from app.codecs.tables.cells import faults
from app.codecs.tables.columns import TableColumns, match_columns
from app.predict.errors import PredictError
from app.predict.one_ahead import one_ahead
from app.predict.readers import TableReader, open_table
from app.predict.summary import Summary
from app.predict.writers import open_output, writer_of
from app.repository.load import LoadedModel
from models.manifest import Manifest


def predict_table(model: LoadedModel, table: str, output: str) -> list[str]:
    """Predict for every row of a table, and write it with the columns that are added.

    Args:
        model: of numbers.
        table: a file, or ``-`` for stdin.
        output: a file, or ``-`` for stdout.

    Returns:
        Sentences about what was done.

    Raises:
        InvalidInputError: the model does not fit the table's columns.
        PredictError: the model takes no numbers, the table cannot be read, or the output not written.
    """
    started = perf_counter()
    writer_type = writer_of(output)
    if model.manifest.task != "arithmetic":
        raise PredictError(_other_task(model.manifest))
    with open_table(table) as reader:
        columns = match_columns(reader.names, model.manifest)
        predictor = TablePredictor(model, reader, columns, typed=writer_type.typed)
        with open_output(output) as file, _progress(reader) as bar:
            writer = writer_type(file, predictor.schema)
            for batch in one_ahead(predictor.batches()):
                writer.write(batch)
                bar.update(reader.position(predictor.summary.rows) - bar.n)
            writer.close()
        return predictor.summary.sentences(output, perf_counter() - started)


def _other_task(manifest: Manifest) -> str:
    takes, route = ("images", "/predict/image") if manifest.image else ("tensors", f"/v2/models/{manifest.name}/infer")
    return (
        f"Model '{manifest.name}' takes {takes}, and a table has rows of numbers; start the service (python -m app) "
        f"and send them to POST {route}."
    )


def _progress(reader: TableReader) -> Any:
    """A progress bar on stderr, where that is a terminal."""
    return tqdm(total=reader.total, unit=reader.unit, unit_scale=True, disable=None, file=sys.stderr, leave=False)


class TablePredictor:
    """Predicts for the batches of a table.

    Args:
        model: of numbers.
        reader: of the table.
        columns: of the model, in the table.
        typed: whether the model's columns are to be numbers where the table has text.

    Attributes:
        schema: of the batches that ``batches`` gives.
        summary: of the rows so far.
    """

    def __init__(self, model: LoadedModel, reader: TableReader, columns: TableColumns, *, typed: bool) -> None:
        self._model = model
        self._reader = reader
        self._columns = columns
        self._names = [reader.names[place] for place in columns.inputs]
        self._converted = typed and reader.is_text
        self.schema = _schema(reader.schema, columns, converted=self._converted)
        self.summary = Summary()

    def batches(self) -> Iterator[Any]:
        """The batches of the table with the columns that are added."""
        for part in one_ahead(self._reader.parts()):
            batch = part.batch
            if not batch.num_rows:
                self.summary.leave_out(part)
                continue
            given = [batch.column(place) for place in self._columns.inputs]
            numbers = [self._reader.numbers(column, name) for column, name in zip(given, self._names, strict=True)]
            inputs = np.column_stack(numbers)
            found = {row: f"column '{name}' {fault}" for row, name, fault in faults(inputs, self._names, given)}
            answer = answer_rows(self._model.manifest, inputs, self._predict(inputs, found), found)
            self.summary.add(part, answer, list(found))
            passed = list(batch.columns)
            if self._converted:
                for place, column in zip(self._columns.inputs, numbers, strict=True):
                    passed[place] = pa.array(column, from_pandas=True)
            yield pa.record_batch([*passed, *_added(answer, found)], schema=self.schema)

    def _predict(self, inputs: NDArray[np.float64], found: dict[int, str]) -> NDArray[np.float64]:
        """The outputs; NaN in rows that hold no numbers, which the model does not see."""
        if not found:
            return np.asarray(self._model.predict(inputs))
        outputs = np.full((len(inputs), self._model.manifest.outputs[0].shape[1]), np.nan)
        sound = np.ones(len(inputs), bool)
        sound[list(found)] = False
        if sound.any():
            outputs[sound] = self._model.predict(inputs[sound])
        return outputs


def _schema(given: Any, columns: TableColumns, *, converted: bool) -> Any:
    for place in columns.inputs if converted else ():
        given = given.set(place, given.field(place).with_type(pa.float64()))
    *predicted, extrapolated, warnings = columns.added
    types = {**dict.fromkeys(predicted, pa.float64()), extrapolated: pa.bool_(), warnings: pa.string()}
    for name, kind in types.items():
        given = given.append(pa.field(name, kind))
    return given.remove_metadata()


def _added(answer: Answer, found: dict[int, str]) -> list[Any]:
    """The columns that are added, as Arrow arrays."""
    rows = len(answer.predictions)
    predictions = [pa.array(column, from_pandas=True) for column in answer.predictions.T]
    unknown = np.zeros(rows, bool)
    unknown[list(found)] = True
    extrapolated = pa.nulls(rows, pa.bool_())
    if answer.extrapolated is not None:
        extrapolated = pa.array(answer.extrapolated, mask=unknown)
    warnings = pa.nulls(rows, pa.string())
    if answer.warnings:
        warnings = pa.array([answer.warnings.get(row) for row in range(rows)], pa.string())
    return [*predictions, extrapolated, warnings]
