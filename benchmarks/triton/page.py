"""The page of results."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from benchmarks.triton.cost import REQUESTS as COST_REQUESTS
from benchmarks.triton.cost import ROUNDS, Cost
from benchmarks.triton.environment import TRITON
from benchmarks.triton.polling import WAIT_SECONDS, Step
from benchmarks.triton.repository import MOST_ROWS, REQUESTS, Compared
from benchmarks.triton.servers import POLL_SECONDS


@dataclass
class Results:
    """All that was found.

    Args:
        version: of Triton.
        same_index: whether both list the same models and versions as ready.
        folder: the committed models, as they lie there.
        config: that Triton derives for ``multiply``.
        too_many: Triton's error for more rows than its default; None: it answers.
        costs: of a request, to the service and to Triton.
        bucket: the committed models, read by Triton from S3.
        steps: of a repository that changes.
        polled: models that were written while both ran.
    """

    version: str = ""
    same_index: bool = False
    folder: list[Compared] = field(default_factory=list)
    config: dict[str, Any] = field(default_factory=dict)
    too_many: str | None = None
    costs: list[Cost] = field(default_factory=list)
    bucket: list[Compared] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    polled: list[Compared] = field(default_factory=list)


def page(results: Results) -> str:
    """In Markdown."""
    parts = [_introduction(results), _models(results), _bucket(results), _polling(results), _differences(results)]
    return "\n".join([*parts, _cost(results.costs)])


def _introduction(results: Results) -> str:
    wheel = " ".join(TRITON.requirements[0].split("=="))
    return f"""# Triton on the same repository

`python -m benchmarks.triton --write` measures this. On {date.today()}: Triton {results.version}, from {wheel} on PyPI,
with `--model-repository=repository --model-control-mode=poll`, beside the service on the same folder. Both are asked by
tritonclient, over HTTP and gRPC, with the same random tensors in binary.

**Shown**: NVIDIA's core, HTTP and gRPC read our repository as it is. No `config.pbtxt` is needed; `manifest.json` and
the other files of a version do not disturb it; names, versions, datatypes and shapes are ours, and the answers are.

**Not shown**: NVIDIA's ONNX Runtime backend in C++, which the wheel lacks. A stand-in of
[a hundred lines](../../benchmarks/triton/backend/model.py) takes its place: it runs the same ONNX Runtime as the
service, and derives the configuration as that backend's source does. GPUs are not shown either.
"""


def _models(results: Results) -> str:
    index = "are the same" if results.same_index else "DIFFER"
    return f"""## Models

{REQUESTS} requests to each over each transport, of 1 to {MOST_ROWS} rows or images; where numbers are divided, some
answers are infinite or NaN. Differences are relative to the largest answer; 0 is equality of every bit. The models and
versions in both repository indexes {index}.

{_table(results.folder)}

Written while both served the repository, by `python -m training import` (`linear`, `mixed`) and `fit` (`fitted`, with a
second graph for its intervals):

{_table(results.polled)}
"""


def _table(models: Sequence[Compared]) -> str:
    head = "| Model | Files | Takes | Returns | Metadata | Values | Difference, HTTP | Difference, gRPC |\n"
    lines = []
    for model in models:
        http, grpc = model.answers.values()
        metadata = "; ".join(model.metadata) or "same"
        cells = [f"`{model.name}`", model.files, model.takes, model.returns, metadata, http.values + grpc.values]
        lines.append(f"| {' | '.join(map(str, cells))} | {http.shown()} | {grpc.shown()} |")
    return head + "| --- | --- | --- | --- | --- | --- | --- | --- |\n" + "\n".join(lines)


def _bucket(results: Results) -> str:
    same = sum(not model.differs for model in results.bucket)
    return f"""## From S3

The same folder, uploaded to a bucket of moto's S3 and read by Triton with `--model-repository=s3://...`: {same} of
{len(results.bucket)} models have the same metadata and answers, bit by bit, as under the service on the folder.
"""


def _polling(results: Results) -> str:
    lines = "\n".join(step.row() for step in results.steps)
    return f"""## Changes

Of a repository that both poll every {POLL_SECONDS} s, and whether each server follows within {WAIT_SECONDS:.0f} s.

| Change | Ours | Triton |
| --- | --- | --- |
{lines}

A folder in which a model is being written has [no dot in its name](../design/staging-folders.md): Triton takes one
with a dot for a model, fails to load it, and is not ready again until it is restarted.
"""


def _differences(results: Results) -> str:
    policy, batch = results.config.get("version_policy"), results.config.get("max_batch_size")
    return f"""## Differences

| | Ours | Triton, without a `config.pbtxt` |
| --- | --- | --- |
| versions served | all | the latest alone (`{json.dumps(policy)}`) |
| rows of a request | `NALU_MAX_ROWS` | {batch} (`max_batch_size`, as in NVIDIA's source); more: "{results.too_many}" |
| hashes of `manifest.json` | checked before a version is served | not read |
| `/predict`, `/models`, the page, training ranges, formulas | served | not there |
| images as files (`BYTES`) | taken | pixels (`UINT8`) alone |
"""


def _cost(costs: Sequence[Cost]) -> str:
    ours, triton = costs
    return f"""## Cost

Processor time of a request of one row, JSON over HTTP, one at a time, the least of {ROUNDS} rounds of
{COST_REQUESTS:,}: {ours.every:.0f} µs for the service, {triton.every:.0f} µs for Triton with the stand-in, of which
{triton.core:.0f} µs are in Triton's own process. The stand-in crosses to another process and to Python, which NVIDIA's
backend does not: the figure says nothing about that. On a busy machine all of these are larger.
"""
