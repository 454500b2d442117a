"""The training loop for batches of images."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from tqdm import tqdm

from training.trainer.checkpointing import TrainingCheckpoint
from training.trainer.state import Loss, TrainingState, image_loss

Batch = tuple[Tensor, Tensor]
"""What an image network takes, float; and labels: classes (integers) or values (floats), ``(batch,)``."""


def train_batches(
    network: nn.Module,
    batches: Callable[[int], Iterable[Batch]],
    *,
    epochs: int,
    steps: int,
    max_lr: float = 1e-2,
    averaging: float = 0.0,
    loss: Loss | None = None,
    device: str = "cpu",
    channels_last: bool = True,
    norms_held_from: int | None = None,
    after_epoch: Callable[[int], bool | None] | None = None,
    resume: TrainingCheckpoint | None = None,
    title: str = "training",
) -> None:
    """Fit a network to batches, in place, with AdamW under a one-cycle learning rate.

    Args:
        network: left on the CPU, in evaluation mode, with its final weights.
        batches: the batches of an epoch, the first being 0; they may differ in size. They must follow from the
            number of the epoch and from PyTorch's random numbers, or a resumed training takes another course.
        epochs: rounds, after each of which training can be stopped or resumed.
        steps: batches of every epoch.
        max_lr: the highest learning rate of the cycle.
        averaging: decay of the moving average of the weights that takes their place in the end; 0: none.
        loss: of output and labels; None: ``image_loss``.
        device: where it is trained: ``"cpu"`` or ``"cuda"``.
        channels_last: whether network and batches are laid out with the channels last in memory, as convolutions are
            a fifth faster then; a network that takes views of its maps may not be able to.
        norms_held_from: the epoch from which on batch normalisation uses its running statistics, as it does when the
            network is served; None: never. A sum over places is off by as many times as there are places if the
            network has learned with the statistics of single batches.
        after_epoch: called with the number of the epoch just ended, the network being as it would be if training
            ended there; True ends it. What it keeps must be part of ``resume``.
        resume: where the training is saved, and goes on from if it was interrupted.
        title: of the progress bar.

    Raises:
        ValueError: an epoch has more or fewer batches than ``steps``.
    """
    layout = torch.channels_last if channels_last else torch.preserve_format
    network.to(device=device, memory_format=layout)  # type: ignore[call-overload]
    run = TrainingState(network.train(), epochs * steps, max_lr, averaging, loss or image_loss)
    done, finished = resume.load(run) if resume else (0, False)
    bar = tqdm(total=epochs * steps, initial=done * steps, desc=title, unit="step", disable=None)
    for epoch in range(epochs if finished else done, epochs):
        if norms_held_from is not None and epoch >= norms_held_from:
            _hold_norms(network)
        _train_epoch(run, _moved(batches(epoch), device, layout), steps, bar, f"{epoch + 1}/{epochs}")
        if after_epoch is not None:
            with run.as_result():
                finished = bool(after_epoch(epoch))
        if resume:
            resume.save(run, epoch + 1, finished=finished or epoch + 1 == epochs)
        if finished:
            break
    bar.close()
    run.finish()
    network.to(device="cpu", memory_format=torch.contiguous_format)  # type: ignore[call-overload]


def _hold_norms(network: nn.Module) -> None:
    for layer in network.modules():
        if isinstance(layer, nn.modules.batchnorm._BatchNorm):
            layer.eval()


def _train_epoch(run: TrainingState, batches: Iterable[Batch], steps: int, bar: "tqdm[Any]", at: str) -> None:
    seen = 0
    for seen, (x, labels) in enumerate(batches, start=1):
        if seen > steps:
            break
        bar.set_postfix(epoch=at, loss=f"{run.step(x, labels):.4f}", refresh=False)
        bar.update()
    if seen != steps:
        got = "more" if seen > steps else seen
        raise ValueError(f"An epoch must have {steps} batches, as many as its steps; got {got}.")


def _moved(batches: Iterable[Batch], device: str, layout: torch.memory_format) -> Iterator[Batch]:
    for x, labels in batches:
        yield x.to(device, memory_format=layout if x.ndim == 4 else torch.preserve_format), labels.to(device)
