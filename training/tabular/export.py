"""Exports a fitted model of columns of numbers: its network, and samples of it along each column."""

from functools import partial
from pathlib import Path

import numpy as np

from models.curves import CURVES_FILE
from training.data.table_split import Split
from training.export.evaluation import EVALUATION_FILE
from training.export.manifest_fields import manifest_fields
from training.export.write import Export, write_model
from training.metrics import predict
from training.tabular.curves import curves_json, sample_curves
from training.tabular.evaluation import evaluate_split
from training.tabular.fit import MAX_TRAINING_ROWS, FitConfig, FittedModel, pair


def export_fitted(
    fitted: FittedModel, config: FitConfig, split: Split, repository: Path, *, version: int | None = None
) -> Path:
    """Write the fitted network to the repository; see ``training.export.write.write_model``."""
    inside = split.interpolation.inputs
    checks = {"interpolation": inside, "extrapolation": np.concatenate([split.extrapolation.inputs, 10 * inside])}
    manifest = manifest_fields(
        fitted.network,
        config.columns,
        config.target,
        reason=fitted.reason,
        formula=fitted.formula.text if fitted.formula else None,
        latex=fitted.formula.latex if fitted.formula else None,
        training={
            "ranges": split.ranges,
            "rows": min(len(split.train), MAX_TRAINING_ROWS),
            "seed": config.seed,
            "command": config.command,
            "data": config.data,
        },
        metrics=fitted.metrics,
        summary=config.summary,
        uncertainty=fitted.uncertainty.fields if fitted.uncertainty else None,
        front=fitted.front,
        rivals=fitted.rivals,
    )
    checks = {part: pair(inputs) for part, inputs in checks.items()}
    spread = fitted.uncertainty.spread if fitted.uncertainty else None
    export = Export(fitted.network, checks, manifest, spread, _shown(fitted, config, split))
    return write_model(export, repository, config.name, version=version)


def _shown(fitted: FittedModel, config: FitConfig, split: Split) -> dict[str, bytes]:
    """The files that show what the model does."""
    networks = {"model": partial(predict, fitted.network)}
    if fitted.mlp is not None:
        networks["mlp"] = partial(predict, fitted.mlp)
    table = (config.columns, config.target, split.ranges, split.train.inputs)
    return {
        CURVES_FILE: curves_json(sample_curves(networks["model"], networks.get("mlp"), *table)),
        EVALUATION_FILE: evaluate_split(networks, config.columns, split).to_json(),
    }
