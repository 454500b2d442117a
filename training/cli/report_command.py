"""The ``report`` command."""

from argparse import Namespace
from pathlib import Path

from models.manifest import REPORT_FILE, Manifest
from training.cli.stored_models import find_model
from training.cli.training_rows import training_rows
from training.errors import InputError
from training.export.add_file import add_file
from training.export.evaluation import Evaluation
from training.export.onnx_predictor import onnx_predictor
from training.output.whole_file import write_whole_file
from training.report.card import Stated, render_report, stored_evaluation
from training.tabular.evaluation import evaluate_split


def run_report(options: Namespace) -> None:
    """Write the report of a model, into its version folder or elsewhere."""
    folder, manifest = find_model(options.repository, options.name, options.version)
    page = render_report(
        folder, manifest, _evaluation(folder, manifest, options), Stated(options.licence, options.contact)
    )
    if options.output is not None:
        write_whole_file(options.output, page)
        print(f"Wrote {options.output}.")
    else:
        written = add_file(folder, manifest, REPORT_FILE, page)
        print(f"Wrote {written}; the service shows it at /models/{manifest.name}/report?version={manifest.version}.")


def _evaluation(folder: Path, manifest: Manifest, options: Namespace) -> Evaluation | None:
    """The evaluation of the rows in the options, else the stored one, else of a default model's rows, else None."""
    if manifest.task != "arithmetic":
        if options.data is not None:
            raise InputError(f"--data is for models of task 'arithmetic', and '{options.name}' is not; leave it out.")
        return None
    if options.data is None and stored_evaluation(folder, manifest) is not None:
        return None
    split = training_rows(manifest, options)
    if split is None:
        return None
    return evaluate_split({"model": onnx_predictor(folder, manifest)}, manifest.columns, split)
