"""The training loops: full-batch for arithmetic, in batches for pictures."""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional
from tqdm import tqdm

ADAM_STEPS = 600
LBFGS_STEPS = 300
LBFGS_ROUNDS = 5

Augment = Callable[[Tensor], Tensor]


def train_arithmetic(network: nn.Module, inputs: Tensor, target: Tensor) -> float:
    """Fit a small network to a table, in place: Adam finds the basin, L-BFGS its bottom.

    First-order steps alone stop far from precision, as the NALU's gate and the NAC's weights only creep
    towards saturation; second-order steps carry them to the precision of float64.

    Args:
        network: a float64 network; left in evaluation mode.
        inputs: ``(rows, columns)``.
        target: ``(rows, outputs)``, not all zero.

    Returns:
        The last loss: mean squared error over mean squared target; infinity when training diverged.
    """
    scale = target.square().mean()

    def error() -> Tensor:
        value: Tensor = (network(inputs) - target).square().mean() / scale
        return value

    network.train()
    adam = torch.optim.Adam(network.parameters(), lr=0.05)
    for _ in range(ADAM_STEPS):
        adam.zero_grad()
        error().backward()  # type: ignore[no-untyped-call]
        adam.step()
        clamp_to_bounds(network)
    network.eval()  # without what a unit does in training alone, such as noise
    for _ in range(LBFGS_ROUNDS):
        before = error().item()
        _descend(network, error)
        if not 0 < error().item() < before / 10:
            break
    clamp_to_bounds(network)
    last = error().item()
    return last if math.isfinite(last) else math.inf


def clamp_to_bounds(network: nn.Module) -> None:
    """Put the weights of units back into the bounds that their papers give them."""
    with torch.no_grad():
        for unit in network.modules():
            for name, (low, high) in getattr(unit, "BOUNDS", {}).items():
                unit.get_parameter(name).clamp_(low, high)


def _descend(network: nn.Module, error: Callable[[], Tensor]) -> None:
    """One run of L-BFGS. Its line search gives up at steps below 1e-9, so the error is scaled to start at 1."""
    scale = error().detach()
    lbfgs = torch.optim.LBFGS(
        network.parameters(),
        max_iter=LBFGS_STEPS,
        max_eval=2 * LBFGS_STEPS,
        history_size=20,
        tolerance_grad=0,
        tolerance_change=0,
        line_search_fn="strong_wolfe",
    )

    def closure() -> Tensor:
        lbfgs.zero_grad()
        value = error() / scale
        value.backward()  # type: ignore[no-untyped-call]
        return value

    if math.isfinite(scale.item()) and scale.item() > 0:
        lbfgs.step(closure)  # type: ignore[no-untyped-call]


def train_pictures(
    network: nn.Module,
    pictures: Tensor,
    labels: Tensor,
    *,
    augment: Augment,
    epochs: int,
    batch_size: int = 32,
    title: str = "training",
) -> None:
    """Fit a picture network, in place, with Adam under a one-cycle learning rate.

    Args:
        network: what takes augmented pictures; log-probabilities for classes, a value for regression.
        pictures: ``(n, channels, height, width)``, float.
        labels: ``(n,)``: class indices (integers) or values (floats).
        augment: applied to every batch anew.
        epochs: passes over the pictures.
        batch_size: pictures a step; a last batch of one picture is left out, as batch normalisation needs two.
        title: of the progress bar.
    """
    steps = math.ceil(len(pictures) / batch_size)
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=1e-2, total_steps=epochs * steps)
    network.train()
    bar = tqdm(range(epochs), desc=title, unit="epoch", disable=None)
    for _ in bar:
        for index in torch.split(torch.randperm(len(pictures)), batch_size):
            if len(index) > 1:
                optimizer.zero_grad()
                loss = _picture_loss(network(augment(pictures[index])), labels[index])
                loss.backward()  # type: ignore[no-untyped-call]
                nn.utils.clip_grad_norm_(network.parameters(), 1.0)
                optimizer.step()
                clamp_to_bounds(network)
            schedule.step()
        bar.set_postfix(loss=f"{loss.item():.4f}")
    network.eval()


def _picture_loss(output: Tensor, labels: Tensor) -> Tensor:
    if labels.is_floating_point():
        return functional.mse_loss(output[:, 0], labels)
    return functional.nll_loss(output, labels)
