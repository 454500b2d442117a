"""Which function runs each command of ``python -m training``."""

from argparse import Namespace
from importlib import import_module

COMMANDS = {
    "fit": "training.cli.fit_command:run_fit",
    "fit-images": "training.cli.images_command:run_fit_images",
    "evaluate": "training.cli.evaluate_command:run_evaluate",
    "curves": "training.cli.curves_command:run_curves",
    "export": "training.cli.export_command:run_export",
    "import": "training.cli.import_command:run_import",
    "report": "training.cli.report_command:run_report",
    "push": "training.cli.push_command:run_push",
    "zoo": "training.cli.zoo_command:run_zoo",
    "data": "training.cli.data_command:run_data",
    "benchmark": "training.research.benchmark.command:run_benchmark",
    "sequences": "training.research.sequences.command:run_sequences",
}
"""Module and function, imported when the command runs: a fit of a table needs nothing of images, and starts at once."""


def run(options: Namespace) -> None:
    """Run the command that the options name."""
    module, function = COMMANDS[options.command].split(":")
    getattr(import_module(module), function)(options)
