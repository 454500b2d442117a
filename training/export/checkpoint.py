"""Checkpoints: weights as safetensors, with the configuration that rebuilds the network."""

import json
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from models.head import OLD_POOLS
from models.image_network import ImageNetwork
from models.law import Law
from models.networks import Network
from training.errors import InputError

ExportableNetwork = Network | Law | ImageNetwork
KINDS = {kind.__name__: kind for kind in (Network, Law, ImageNetwork)}
OLD_KINDS = {"PictureNetwork": "ImageNetwork"}  # alias: in checkpoints of version 0.1


def save_checkpoint(network: ExportableNetwork, path: Path) -> None:
    """Write the weights, and the network's configuration as metadata."""
    kind = next(name for name, kind in KINDS.items() if isinstance(network, kind))
    # one entry, as safetensors writes several in an order that changes from run to run
    metadata = {"network": json.dumps({"kind": kind, "config": network.config})}
    path.write_bytes(save({name: tensor.contiguous() for name, tensor in network.state_dict().items()}, metadata))


def load_checkpoint(path: Path) -> ExportableNetwork:
    """Rebuild the network of a checkpoint, in evaluation mode.

    Raises:
        InputError: the file is missing or no checkpoint of this project.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata, names = file.metadata() or {}, file.keys()
            weights = {name: file.get_tensor(name) for name in names}
        network = _build(**json.loads(metadata["network"]))
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path} is not a checkpoint of this project; train the model again.") from error
    floating = next(weight.dtype for weight in weights.values() if weight.is_floating_point())
    network.to(floating).load_state_dict(weights)
    return network.eval()


def _build(kind: str, config: dict[str, Any]) -> ExportableNetwork:
    config = {**config, "pool": OLD_POOLS.get(config["pool"], config["pool"])} if "pool" in config else config
    return KINDS[OLD_KINDS.get(kind, kind)](**config)
