"""AdamW under a one-cycle learning rate: a network in training, one step of it, and its state.

Smith and Topin 2018, "Super-Convergence": the rate rises for three tenths of the steps and falls to almost nothing.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.trainer.clamping import clamp_to_bounds
from training.trainer.ema import MovingAverage

WEIGHT_DECAY = 1e-4
CLIP_NORM = 1.0
PEAK = 0.3
"""Share of the steps during which the learning rate rises."""

Loss = Callable[[Tensor, Tensor], Tensor]


class TrainingState:
    """A network that is being trained, and all that changes with it.

    Args:
        network: where it is trained already; its tensors must stay the same objects.
        steps: of the whole training; the learning rate ends with them.
        max_lr: the highest learning rate.
        averaging: decay of the moving average of the weights, see ``MovingAverage``; 0: none.
        loss: of output and labels; see ``image_loss``.
    """

    def __init__(self, network: nn.Module, steps: int, max_lr: float, averaging: float, loss: Loss) -> None:
        self.network = network
        self.loss = loss
        self.optimizer = torch.optim.AdamW(network.parameters(), lr=max_lr, weight_decay=WEIGHT_DECAY)
        cycle = torch.optim.lr_scheduler.OneCycleLR
        self.schedule = cycle(self.optimizer, max_lr=max_lr, total_steps=steps, pct_start=PEAK)
        self.average = MovingAverage(network, averaging) if averaging else None

    def step(self, x: Tensor, labels: Tensor) -> float:
        """One step on one batch; returns the loss before it.

        A step whose gradient is not finite is left out: it would spoil every weight for good.
        """
        self.optimizer.zero_grad()
        loss = self.loss(self.network(x), labels)
        loss.backward()  # type: ignore[no-untyped-call]
        norm = nn.utils.clip_grad_norm_(self.network.parameters(), CLIP_NORM)
        if not norm.isfinite():
            self.optimizer.zero_grad()  # weights without a gradient stay as they are
        self.optimizer.step()
        clamp_to_bounds(self.network)
        self.schedule.step()
        if self.average is not None:
            self.average.update()
        return loss.item()

    @contextmanager
    def as_result(self) -> Iterator[None]:
        """The network in evaluation mode, with the weights that it would have if training ended now."""
        self.network.eval()
        if self.average is None:
            yield
        else:
            with self.average.in_place():
                yield
        self.network.train()

    def finish(self) -> None:
        """Leave the network in evaluation mode with its final weights."""
        if self.average is not None:
            self.average.take_place()
        self.network.eval()

    def state(self) -> dict[str, Any]:
        """What it takes to go on later, random numbers included."""
        return {
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            "average": None if self.average is None else self.average.state(),
            "random": torch.get_rng_state(),
            "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from ``state()``."""
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.schedule.load_state_dict(state["schedule"])
        if self.average is not None:
            self.average.restore(state["average"])
        torch.set_rng_state(state["random"])
        if state["cuda"]:
            torch.cuda.set_rng_state_all(state["cuda"])


def image_loss(output: Tensor, labels: Tensor) -> Tensor:
    """The negative log-likelihood of classes (integers), or the mean squared error of values (floats).

    Shape:
        output: ``(batch, classes)``, log-probabilities, or ``(batch, 1)``. labels: ``(batch,)``.
    """
    if labels.is_floating_point():
        return functional.mse_loss(output[:, 0], labels)
    return functional.nll_loss(output, labels)
