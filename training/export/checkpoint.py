"""Checkpoints: weights as safetensors, with the configuration that rebuilds the network."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from models.head import OLD_POOLS
from models.image_network import ImageNetwork
from models.law import Law
from models.law_spread import LawSpread
from models.networks import Network
from training.errors import InputError

ExportableNetwork = Network | Law | LawSpread | ImageNetwork
KINDS = {kind.__name__: kind for kind in (Network, Law, LawSpread, ImageNetwork)}
OLD_KINDS = {"PictureNetwork": "ImageNetwork"}  # alias: in checkpoints of version 0.1


def save_checkpoint(network: ExportableNetwork, path: Path) -> None:
    """Write the weights, and the network's configuration as metadata."""
    kind = next(name for name, kind in KINDS.items() if isinstance(network, kind))
    # one entry, as safetensors writes several in an order that changes from run to run
    metadata = {"network": json.dumps({"kind": kind, "config": network.config})}
    # clones, as safetensors refuses tensors that share memory, such as those of a module that is used twice
    weights = {
        name: tensor.clone(memory_format=torch.contiguous_format) for name, tensor in network.state_dict().items()
    }
    path.write_bytes(save(weights, metadata))


def load_checkpoint(path: Path) -> ExportableNetwork:
    """Rebuild the network of a checkpoint, in evaluation mode.

    Raises:
        InputError: the file is missing or no checkpoint of this project.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata, names = file.metadata() or {}, file.keys()
            weights = {name: file.get_tensor(name) for name in names}
        kind, config = _kind_and_config(**json.loads(metadata["network"]))
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path} is not a checkpoint of this project; train the model again.") from error
    try:
        network = kind(**config)
    except ValueError as error:  # such as a backbone that is not where it was
        raise InputError(f"The network of {path} cannot be built again: {error}") from error
    if any(weight.dtype == torch.float64 for weight in weights.values()):
        network.double()  # no other type is a network's as a whole: a backbone's complex weights stay complex
    network.load_state_dict(weights)
    return network.eval()


def _kind_and_config(kind: str, config: dict[str, Any]) -> tuple[Callable[..., ExportableNetwork], dict[str, Any]]:
    config = {**config, "pool": OLD_POOLS.get(config["pool"], config["pool"])} if "pool" in config else config
    return KINDS[OLD_KINDS.get(kind, kind)], config
