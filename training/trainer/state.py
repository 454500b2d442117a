"""A network in training, and all that changes with it: weights, optimiser, learning rate, EMA, random numbers."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.lr_scheduler import LRScheduler, OneCycleLR

from training.trainer.clamping import clamp_to_bounds
from training.trainer.ema import averaged, moving_average
from training.trainer.finite import first_not_finite

WEIGHT_DECAY = 1e-4
CLIP_NORM = 1.0
WARMUP_SHARE = 0.3
"""Share of the steps during which the learning rate rises."""

Loss = Callable[[Any, Tensor], Tensor]
"""Of the network's output and the labels."""


class TrainingState:
    """A network in training.

    Args:
        network: the network; its parameters must stay the same objects.
        optimizer: of its parameters.
        schedule: of the learning rate, stepped after every batch.
        loss: what is minimised.
        ema_decay: decay of the weights' moving average, which replaces them in the end; 0: no average.
        clip_norm: largest norm of a gradient.
        clipped: the modules whose gradients are clipped, each by its own norm; empty: the network as a whole.
    """

    def __init__(
        self,
        network: nn.Module,
        optimizer: torch.optim.Optimizer,
        schedule: LRScheduler,
        loss: Loss,
        *,
        ema_decay: float = 0.0,
        clip_norm: float = CLIP_NORM,
        clipped: Sequence[nn.Module] = (),
    ) -> None:
        self.network, self.optimizer, self.schedule, self.loss = network, optimizer, schedule, loss
        self.ema = moving_average(network, ema_decay) if ema_decay else None
        self.clip_norm, self.clipped = clip_norm, clipped or (network,)
        self.skipped_steps = 0

    def to(self, device: str, layout: torch.memory_format) -> None:
        """Move the weights, and their average, to a device and into a memory layout."""
        for module in (self.network, self.ema):
            if module is not None:
                module.to(device=device, memory_format=layout)  # type: ignore[call-overload]

    def step(self, x: Tensor, labels: Tensor) -> float:
        """One step on one batch; returns the loss before it.

        A step whose gradient is not finite is skipped: it would spoil every weight for good.
        """
        self.optimizer.zero_grad()
        loss = self.loss(self.network(x), labels)
        loss.backward()  # type: ignore[no-untyped-call]
        norms = [nn.utils.clip_grad_norm_(list(module.parameters()), self.clip_norm) for module in self.clipped]
        if not all(norm.isfinite() for norm in norms):
            self.optimizer.zero_grad()  # weights without a gradient stay as they are
            self.skipped_steps += 1
        self.optimizer.step()
        clamp_to_bounds(self.network)
        self.schedule.step()
        if self.ema is not None:
            self.ema.update_parameters(self.network)
        return loss.item()

    def first_not_finite(self) -> str | None:
        """A weight, or an average of it, that is not finite; None if all are. See ``first_not_finite``."""
        return first_not_finite(self.network) or (first_not_finite(self.ema.module) if self.ema else None)

    @contextmanager
    def as_result(self) -> Iterator[None]:
        """The network in evaluation mode, with the weights that it would have if training ended now."""
        self.network.eval()
        with averaged(self.network, self.ema) if self.ema else nullcontext():
            yield
        self.network.train()

    def finish(self) -> None:
        """Leave the network in evaluation mode with its final weights."""
        if self.ema is not None:
            self.network.load_state_dict(self.ema.module.state_dict())
        self.network.eval()

    def state_dict(self) -> dict[str, Any]:
        """All that resuming needs, random numbers included."""
        return {
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            "ema": None if self.ema is None else self.ema.state_dict(),
            "random": torch.get_rng_state(),
            "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Resume from ``state_dict()``."""
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.schedule.load_state_dict(state["schedule"])
        if self.ema is not None:
            self.ema.load_state_dict(state["ema"])
        torch.set_rng_state(state["random"])
        if state["cuda"]:
            torch.cuda.set_rng_state_all(state["cuda"])


def adamw_one_cycle(
    network: nn.Module, steps: int, *, max_lr: float = 1e-2, loss: Loss | None = None, ema_decay: float = 0.0
) -> TrainingState:
    """AdamW under a one-cycle learning rate, as all networks on images are trained.

    Smith and Topin 2018, "Super-Convergence": the rate rises for three tenths of the steps and falls to almost nothing.

    Args:
        network: the network to train.
        steps: batches of the whole training; the learning rate ends with them.
        max_lr: the highest learning rate.
        loss: of output and labels; None: ``image_loss``.
        ema_decay: see ``TrainingState``.
    """
    optimizer = torch.optim.AdamW(network.parameters(), lr=max_lr, weight_decay=WEIGHT_DECAY)
    schedule = OneCycleLR(optimizer, max_lr=max_lr, total_steps=steps, pct_start=WARMUP_SHARE)
    return TrainingState(network, optimizer, schedule, loss or image_loss, ema_decay=ema_decay)


def image_loss(output: Tensor, labels: Tensor) -> Tensor:
    """The negative log-likelihood of classes (integers), or the mean squared error of values (floats).

    Shape:
        output: ``(batch, classes)``, log-probabilities, or ``(batch, 1)``. labels: ``(batch,)``.
    """
    if labels.is_floating_point():
        return functional.mse_loss(output[:, 0], labels)
    return functional.nll_loss(output, labels)
