"""The manifest fields of a network on columns of numbers."""

from collections.abc import Mapping, Sequence
from typing import Any

from models.law import Law
from models.networks import Network
from training.export.network_files import INPUT, OUTPUT
from training.export.write import package_versions, tensor_spec


def manifest_fields(
    network: Network | Law,
    columns: Sequence[str],
    target: str,
    *,
    reason: str | None,
    formula: str | None,
    latex: str | None,
    training: Mapping[str, Any],
    metrics: Mapping[str, Any],
    summary: str = "",
) -> dict[str, Any]:
    """The manifest's fields but ``name``, ``version`` and ``files``.

    Args:
        network: the fitted network.
        columns: names of the input columns.
        target: name of the target.
        reason: why symbolic regression found no law; None if it found one, or was not run.
        formula: the law as text, or None.
        latex: the same in LaTeX, or None.
        training: ``ranges``, ``rows``, ``seed``, ``command`` and ``data``, as manifests have them.
        metrics: errors by part.
        summary: one line for people; empty: target, columns and unit.
    """
    dims = network.dims if isinstance(network, Law) else network.config["dims"]
    return {
        "task": "arithmetic",
        "summary": summary or _summary(columns, target, unit_name(network, reason), reason),
        "inputs": [tensor_spec(INPUT, "FP64", [-1, dims[0]], columns)],
        "outputs": [tensor_spec(OUTPUT, "FP64", [-1, 1], [target])],
        "classes": None,
        "image": None,
        "unit": unit_name(network, reason),
        "dims": dims,
        "formula": formula,
        "latex": latex,
        "training": {**training, "packages": package_versions()},
        "metrics": metrics,
    }


def unit_name(network: Network | Law, reason: str | None) -> str:
    """A network's unit, or ``"Law"``; ``"Approximation"`` where symbolic regression found no law."""
    if isinstance(network, Network):
        return str(network.config["unit"])
    return "Approximation" if reason else "Law"


def _summary(columns: Sequence[str], target: str, name: str, reason: str | None) -> str:
    if reason:
        return f"{target}: no law found, not to be trusted outside its training range"
    return f"{target} from {', '.join(columns)}, learned by {name}"
