"""The models that are tried: what each is, and the program and environment that make it."""

from dataclasses import dataclass

from benchmarks.environments import Environment

ONNX = ("onnx==1.23.2", "numpy==2.4.6")
SKLEARN = Environment(
    "import-scikit-learn", ("scikit-learn==1.9.1", "skl2onnx==1.20.0", *ONNX), program="sklearn_models"
)
TREES = ("onnxmltools==1.16.0", "packaging==26.4", "skl2onnx==1.20.0", "scikit-learn==1.9.1", *ONNX)
LIGHTGBM = Environment("import-lightgbm", ("lightgbm==4.7.0", *TREES), program="boosted_trees")
XGBOOST = Environment("import-xgboost", ("xgboost-cpu==3.2.0", *TREES), program="boosted_trees")
TORCH = Environment("import-torch", program="torch_models")
"""PyTorch is that of this environment."""


@dataclass(frozen=True)
class Case:
    """A model.

    Args:
        name: it is imported by.
        what: it is, in the table.
        library: where it comes from.
        arguments: of the program, before the folder.
    """

    name: str
    what: str
    library: Environment
    arguments: tuple[str, ...]


CASES = [
    Case("sklearn-regressor", "gradient boosting, a table of float32", SKLEARN, ("regressor",)),
    Case("sklearn-double", "ridge regression, a table of float64", SKLEARN, ("double",)),
    Case("sklearn-classifier", "forest with text labels, skl2onnx's maps", SKLEARN, ("classifier",)),
    Case("sklearn-pipeline", "scaler and text categories, four inputs", SKLEARN, ("pipeline",)),
    Case("lightgbm-regressor", "boosted trees, a table of float32", LIGHTGBM, ("lightgbm", "regressor")),
    Case("lightgbm-classifier", "three classes, missing values as NaN", LIGHTGBM, ("lightgbm", "classifier")),
    Case("xgboost-regressor", "boosted trees, a table of float32", XGBOOST, ("xgboost", "regressor")),
    Case("xgboost-classifier", "three classes, missing values as NaN", XGBOOST, ("xgboost", "classifier")),
    Case("torch-images", "CNN for images of several sizes", TORCH, ("image",)),
    Case("torch-two-inputs", "int64 and float32 in, float32 and int64 out", TORCH, ("two",)),
    Case("torch-batch-of-one", "CNN whose batch is fixed at 1", TORCH, ("one",)),
    Case("torch-external-data", "CNN with weights in a file of their own", TORCH, ("external",)),
]
