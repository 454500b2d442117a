"""Which epoch's weights are kept, and when there is no point in going on.

Under a one-cycle learning rate, epochs are not alike. While the rate rises and is high, the validation loss jumps about
and says little; it falls for good when the rate does. So the weights of the best epoch are kept, whichever that was,
but patience is counted only once the rate is past its peak: before that, a loss that does not improve is no sign that
it will not. An earlier stop cuts off the end of the cycle, whose small steps are what it is there for; it is right
only where the network has begun to learn its training images by heart, and patience has to be long to tell that: over
60 epochs, a patience of 10 was worse than none on three small sets of images of four, and one of 20 on one of five.
``fit-images`` takes half of the epochs.
"""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from training.trainer.state import PEAK


class BestEpoch:
    """Keeps the weights of the epoch with the lowest validation loss; see above.

    Args:
        network: the network that is being trained.
        loss: its validation loss now.
        epochs: of the whole training.
        patience: epochs past the peak of the learning rate without improvement after which training ends.
    """

    def __init__(self, network: nn.Module, loss: Callable[[], float], epochs: int, patience: int) -> None:
        self.network = network
        self.loss = loss
        self.patience = patience
        self.peak = math.ceil(PEAK * epochs)
        self.epoch = -1
        self.lowest = math.inf
        self.weights: dict[str, torch.Tensor] = {}
        self.seen = 0

    def __call__(self, epoch: int) -> bool:
        """Look at the weights after an epoch; whether training should end."""
        loss, self.seen = self.loss(), epoch + 1
        if loss < self.lowest:
            self.epoch, self.lowest = epoch, loss
            self.weights = {name: value.detach().cpu().clone() for name, value in self.network.state_dict().items()}
        return epoch - max(self.epoch, self.peak) >= self.patience

    def restore_best(self) -> None:
        """Put the best weights into the network; where no loss was ever finite, it stays as it is."""
        if self.weights:
            self.network.load_state_dict(self.weights)

    @property
    def note(self) -> str:
        """Which epoch's weights these are."""
        if not self.weights:
            return f"weights of epoch {self.seen}, as the validation loss was never finite"
        return f"weights of epoch {self.epoch + 1} of {self.seen}, the best on the validation images"

    def state(self) -> dict[str, Any]:
        """What it takes to go on later."""
        return {"seen": self.seen, "epoch": self.epoch, "lowest": self.lowest, "weights": self.weights}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from ``state()``."""
        self.seen, self.epoch, self.lowest = state["seen"], state["epoch"], state["lowest"]
        self.weights = state["weights"]
