"""PyTorch: a CNN for images, two inputs and two outputs, a batch fixed at 1, and weights in a file of their own."""

import sys
from pathlib import Path

import numpy as np
import torch
from case_file import write_case
from torch import nn

MADE_BY = f"PyTorch {torch.__version__}"
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
CLASSES = ["cat", "dog", "fox", "hen", "owl"]
SIDE = 32


class CNN(nn.Module):
    """Two convolutions and a linear layer, which return logits; ``rows`` is written into the graph."""

    def __init__(self, rows=-1):
        super().__init__()
        self.rows = rows
        self.layers = nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 16, 3), nn.ReLU()
        )
        self.last = nn.Linear(16 * 14 * 14, len(CLASSES))

    def forward(self, image):
        """Logits, ``(rows, classes)``."""
        return self.last(self.layers(image).reshape(self.rows, 16 * 14 * 14))


class Recommender(nn.Module):
    """An item's number and a user's features to a score and the nearest of four groups."""

    def __init__(self):
        super().__init__()
        self.items, self.users = nn.Embedding(100, 8), nn.Linear(5, 8)
        self.groups = nn.Linear(16, 4)

    def forward(self, item, user):
        """Scores, ``(rows,)``, and groups, ``(rows,)``, as whole numbers."""
        left, right = self.items(item), self.users(user)
        return (left * right).sum(1), self.groups(torch.cat([left, right], 1)).argmax(1)


def export(model, examples, folder, names, outputs, *, free=True, external=False):
    """Write ``model.onnx``."""
    shapes = {name: {0: "batch"} for name in names} if free else None
    torch.onnx.export(
        model,
        examples,
        folder / "model.onnx",
        dynamo=True,
        input_names=names,
        output_names=outputs,
        dynamic_shapes=shapes,
        external_data=external,
        verbose=False,
    )


def image_classifier(folder):
    """Images of several sizes, as a service gets them; the library's answer includes resizing, as torchvision does."""
    torch.manual_seed(0)
    model, random = CNN().eval(), np.random.default_rng(0)
    export(model, (torch.randn(2, 3, SIDE, SIDE),), folder, ["image"], ["logits"])
    (folder / "classes.txt").write_text("\n".join(CLASSES) + "\n")
    images = [
        random.integers(0, 256, (*size, 3), dtype=np.uint8) for size in [(32, 32)] * 20 + [(48, 31), (20, 64)] * 5
    ]
    mean, std = (torch.tensor(values).reshape(1, 3, 1, 1) for values in (MEAN, STD))
    answers = []
    for pixels in images:
        image = torch.from_numpy(pixels).permute(2, 0, 1)[None] / 255
        image = nn.functional.interpolate(image, size=(SIDE, SIDE), mode="bilinear", antialias=True)
        answers.append(model((image - mean) / std).softmax(1).detach().numpy())
    options = ["--channels", "RGB", "--mean", *MEAN, "--std", *STD, "--softmax", "--classes", folder / "classes.txt"]
    write_case(
        folder,
        route="image",
        options=options,
        inputs=images,
        answers={"probabilities": np.concatenate(answers)},
        made_by=MADE_BY,
    )


def tensors(folder, *, rows=-1, external=False):
    """The CNN on tensors, with a batch of 1 written into the graph, or with weights beside it."""
    torch.manual_seed(0)
    model = CNN(rows).eval()
    export(
        model,
        (torch.randn(abs(rows) + (rows < 0), 3, SIDE, SIDE),),
        folder,
        ["image"],
        ["logits"],
        free=rows < 0,
        external=external,
    )
    image = torch.randn(8, 3, SIDE, SIDE)
    answers = torch.cat([model(image[i : i + 1]) for i in range(8)]).detach().numpy()
    write_case(
        folder, route="v2", options=[], inputs={"image": image.numpy()}, answers={"logits": answers}, made_by=MADE_BY
    )


def recommender(folder):
    """int64 and float32 in, float32 and int64 out."""
    torch.manual_seed(0)
    model, random = Recommender().eval(), np.random.default_rng(0)
    export(model, (torch.tensor([1, 2]), torch.randn(2, 5)), folder, ["item", "user"], ["score", "group"])
    item, user = random.integers(0, 100, 200), random.normal(size=(200, 5)).astype(np.float32)
    score, group = model(torch.from_numpy(item), torch.from_numpy(user))
    answers = {"score": score.detach().numpy(), "group": group.numpy()}
    write_case(folder, route="v2", options=[], inputs={"item": item, "user": user}, answers=answers, made_by=MADE_BY)


if __name__ == "__main__":
    kind, out = sys.argv[1], Path(sys.argv[2])
    builders = {
        "image": lambda: image_classifier(out),
        "two": lambda: recommender(out),
        "one": lambda: tensors(out, rows=1),
        "external": lambda: tensors(out, external=True),
    }
    builders[kind]()
