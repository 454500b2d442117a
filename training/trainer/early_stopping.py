"""Early stopping: which epoch's weights are retained, and when more epochs are of no use.

Under a one-cycle learning rate, epochs differ. While the rate rises and is high, the validation loss is noisy; it falls
for good when the rate does. So the weights of the best epoch are retained, whichever it is, but patience is counted
only once the rate is past its peak. An earlier stop cuts off the end of the cycle, the small steps that the cycle is
for; it helps only where the network has begun to overfit, and telling that takes a long patience: over 60 epochs, a
patience of 10 was worse than none on three of four small image sets, one of 20 on one of five. ``fit-images``
takes half of the epochs.
"""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from training.trainer.state import WARMUP_SHARE


class BestEpoch:
    """Retains the weights of the epoch with the lowest validation loss; see above.

    Args:
        network: the network in training.
        loss: its validation loss now.
        epochs: of the whole training.
        patience: epochs past the peak of the learning rate without improvement after which training ends.
    """

    def __init__(self, network: nn.Module, loss: Callable[[], float], epochs: int, patience: int) -> None:
        self.network = network
        self.loss = loss
        self.patience = patience
        self.peak = math.ceil(WARMUP_SHARE * epochs)
        self.epoch = -1
        self.lowest = math.inf
        self.weights: dict[str, torch.Tensor] = {}
        self.seen = 0

    def __call__(self, epoch: int) -> bool:
        """Validate the weights after an epoch; returns whether training should end."""
        loss, self.seen = self.loss(), epoch + 1
        if loss < self.lowest:
            self.epoch, self.lowest = epoch, loss
            self.weights = {name: value.detach().cpu().clone() for name, value in self.network.state_dict().items()}
        return epoch - max(self.epoch, self.peak) >= self.patience

    def restore_best(self) -> None:
        """Load the best weights into the network; it stays as it is where no loss was ever finite."""
        if self.weights:
            self.network.load_state_dict(self.weights)

    @property
    def summary(self) -> str:
        """Which epoch's weights these are."""
        if not self.weights:
            return f"weights of epoch {self.seen}, as the validation loss was never finite"
        return f"weights of epoch {self.epoch + 1} of {self.seen}, the best on the validation images"

    def state_dict(self) -> dict[str, Any]:
        """All that resuming needs."""
        return {"seen": self.seen, "epoch": self.epoch, "lowest": self.lowest, "weights": self.weights}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Resume from ``state_dict()``."""
        self.seen, self.epoch, self.lowest = state["seen"], state["epoch"], state["lowest"]
        self.weights = state["weights"]
