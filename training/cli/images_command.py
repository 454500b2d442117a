"""``python -m training fit-images``."""

import hashlib
import json
import math
from argparse import Namespace
from importlib.metadata import version
from math import ceil
from pathlib import Path

import torch

from models.manifest import Manifest
from models.units import UNITS
from training.cli.report import print_next_steps, print_result
from training.cli.validators import check_folders, check_name, check_whole
from training.data.augment import choose_augment, usual_augment
from training.data.image_files import ImageFiles, quiet_pillow
from training.data.image_folder import ImageDataset, read_image_folder
from training.errors import DivergedError, InputError
from training.trainer.checkpointing import CheckpointFolder
from training.vision.config import TrainConfig
from training.vision.export import export_image_model
from training.vision.fit import fit_image_model
from training.vision.plots import draw_report
from training.vision.split import ImageSplit, split_images
from training.vision.user_backbone import check_network, make_importable, source_of

DEFAULT_STEPS = 2000
"""Steps of a training without ``--epochs``."""
DEFAULTS = {"unit": "NAC", "backbone": "small", "size": 28}
COUNT_DEFAULTS = {"unit": "NAU", "backbone": "fine", "size": None}
"""Every location of a counting head reads one object, in its own size."""
EPOCH_LIMITS = (30, 300)
"""Fewest and most epochs of a training without ``--epochs``."""
EMA_DECAY = 0.99
"""Decay of the moving average of the weights."""
FINGERPRINT_EXCLUDED = ("command", "command_line", "labels", "images", "repository", "plots", "strict")
"""Options that do not decide the weights; the content of the images and labels does."""


def run_fit_images(options: Namespace) -> None:
    """Learn labels or values of a folder of images."""
    with quiet_pillow():
        plan, parts, checkpoints = _prepare(_with_defaults(options))
        tests = {"interpolation": parts.test, **({"extrapolation": parts.beyond} if parts.beyond else {})}
        try:
            fitted = fit_image_model(plan, parts.train, tests, validation=parts.validation, checkpoints=checkpoints)
        except DivergedError:
            checkpoints.remove()  # resumed, it would diverge again
            raise
        folder = export_image_model(fitted, plan, parts.train, options.repository, tests=tests)
        drawn = draw_report(fitted, plan, parts, options.plots)
    print_result(plan.name, Manifest.read(folder))
    for line in (*fitted.notes, *drawn):
        print(line)
    assert isinstance(parts.test.images, ImageFiles)
    print_next_steps(folder, options.repository, plan.name, parts.test.images.files[0])
    checkpoints.remove()


def _with_defaults(options: Namespace) -> Namespace:
    """The options, with the defaults of their pool."""
    counting = options.pool == "count"
    if options.task != "regression" and (counting or options.train_up_to is not None):
        option = "--pool count" if counting else "--train-up-to"
        raise InputError(
            f"{option} is for values, and --task is {options.task}; use --task regression, or leave it out."
        )
    if not counting and options.highest is not None:
        raise InputError(f"--highest is of --pool count, and --pool is {options.pool}; leave one of them out.")
    return Namespace(**{**(COUNT_DEFAULTS if counting else DEFAULTS), **vars(options)})


def _prepare(options: Namespace) -> tuple[TrainConfig, ImageSplit, CheckpointFolder]:
    """Everything that bad input can break is done here, before training."""
    name, unit, device = check_name(options.name), UNITS.canonical(options.unit), choose_device(options.device)
    if ":" in options.backbone:
        make_importable(Path.cwd())
    data = _read(options)
    if options.pool == "count":
        check_whole(data.labels, options.labels)
    up_to = math.inf if options.train_up_to is None else options.train_up_to
    parts = split_images(data, options.seed, options.labels, validated=options.patience != 0, up_to=up_to)
    plan = _plan(options, data, parts, unit, device)
    network = check_network(plan, parts.train)
    check_folders(options.repository, options.plots)
    checkpoints = CheckpointFolder(options.plots / f"{name}.resume", _fingerprint(options, plan, data, str(network)))
    for note in filter(None, (*data.notes, *parts.notes, checkpoints.message())):
        print(note, flush=True)
    return plan, parts, checkpoints


def choose_device(name: str) -> str:
    """``"cpu"`` or ``"cuda"`` for ``"auto"`` or either of them.

    Raises:
        InputError: CUDA is requested and there is none.
    """
    found = torch.cuda.is_available()
    if name == "cuda" and not found:
        raise InputError(
            "--device cuda: PyTorch finds no CUDA device; use --device auto, or install PyTorch with CUDA."
        )
    return "cuda" if found and name != "cpu" else "cpu"


def _read(options: Namespace) -> ImageDataset:
    return read_image_folder(
        options.labels,
        options.images,
        options.task,
        options.mode,
        size=options.size,
        strict=options.strict,
        own_size=options.size is None,
    )


def _plan(options: Namespace, data: ImageDataset, parts: ImageSplit, unit: str, device: str) -> TrainConfig:
    augment = options.augment or usual_augment(options.task, options.pool, options.contrast)
    epochs = options.epochs or default_epochs(len(parts.train.labels), options.batch_size)
    return TrainConfig(
        name=options.name,
        classes=data.classes,
        head_type=unit,
        seed=options.seed,
        command=options.command_line,
        data=f"{options.labels.resolve().name}: {len(data.labels)} images",
        summary=f"{options.task} of images, learned by a CNN with a {unit} head",
        epochs=epochs,
        network={
            "mode": options.mode,
            "height": options.size,
            "width": options.size,
            "contrast": options.contrast,
            "backbone": options.backbone,
            "pool": options.pool,
            **({"hidden_dims": (options.highest or 1,)} if options.pool == "count" else {}),
        },
        augment=choose_augment(augment, keep_size=options.size is None),
        batch_size=options.batch_size,
        max_lr=options.learning_rate,
        ema_decay=EMA_DECAY,
        patience=options.patience or ceil(epochs / 2),
        device=device,
    )


def default_epochs(images: int, batch_size: int) -> int:
    """The epochs of about ``DEFAULT_STEPS`` steps, within ``EPOCH_LIMITS``."""
    least, most = EPOCH_LIMITS
    return min(max(ceil(DEFAULT_STEPS * batch_size / images), least), most)


def _fingerprint(options: Namespace, plan: TrainConfig, data: ImageDataset, network: str) -> str:
    """A hash of all that decides the weights: options, images, labels, networks and versions."""
    what = {
        "options": {name: str(value) for name, value in vars(options).items() if name not in FINGERPRINT_EXCLUDED},
        "device": plan.device,
        "data": data.digest,
        "network": network,
        "source": source_of(options.backbone),
        "versions": [version("nalu-serve"), torch.__version__],
    }
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()
