"""The manifest fields of a network on columns of numbers."""

from collections.abc import Mapping, Sequence
from typing import Any

from models.alternatives import FrontEntry, Rival
from models.law import Law
from models.networks import Network
from models.uncertainty import Uncertainty
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
    **found: Uncertainty | Sequence[FrontEntry] | Sequence[Rival] | None,
) -> dict[str, Any]:
    """The manifest's fields but ``name``, ``version`` and ``files``.

    Args:
        network: the fitted network.
        columns: names of the input columns.
        target: name of the target.
        reason: why symbolic regression found no law; None if it found one, or was not run.
        formula: the law as text, or None.
        latex: the same in LaTeX, or None.
        training: its ``Training`` but ``packages``.
        metrics: errors by part.
        summary: one line for people; empty: target, columns and unit.
        found: ``uncertainty``, ``front``, ``rivals``; what is empty is not stated.
    """
    name = unit_name(network, reason)
    return {
        "task": "arithmetic",
        "summary": summary or _summary(columns, target, name, reason),
        **_tensors(columns, target),
        "unit": name,
        "dims": network.dims if isinstance(network, Law) else network.config["dims"],
        "formula": formula,
        "latex": latex,
        **{field: value for field, value in found.items() if value},
        "training": {**training, "packages": package_versions()},
        "metrics": metrics,
    }


def _tensors(columns: Sequence[str], target: str) -> dict[str, Any]:
    inputs, outputs = (INPUT, "FP64", [-1, len(columns)], columns), (OUTPUT, "FP64", [-1, 1], [target])
    return {"inputs": [tensor_spec(*inputs)], "outputs": [tensor_spec(*outputs)], "classes": None, "image": None}


def unit_name(network: Network | Law, reason: str | None) -> str:
    """A network's unit, or ``"Law"``; ``"Approximation"`` where symbolic regression found no law."""
    if isinstance(network, Network):
        return str(network.config["unit"])
    return "Approximation" if reason else "Law"


def _summary(columns: Sequence[str], target: str, name: str, reason: str | None) -> str:
    if reason:
        return f"{target}: no law found, not to be trusted outside its training range"
    return f"{target} from {', '.join(columns)}, learned by {name}"
