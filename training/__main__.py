"""python -m training: train models, measure them and export them."""

import shlex
import signal
import sys
from collections.abc import Sequence

from models.manifest import ManifestError
from models.registry import UnknownNameError
from training.cli import streams
from training.cli.parser import parse
from training.errors import InputError, ParityError, sentence_of

INTERRUPTED = {
    "fit-images": "no half-written model is left behind. The same command resumes it.",
    "push": "what was uploaded is not served without its manifest. The same command completes it.",
}
"""What is left of an interrupted command."""
CLOSED_PIPE = 141
"""The exit code of a program that writes to a closed pipe: 128 and the number of SIGPIPE."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code.

    It is 2 for unusable input or output, 1 for an export that failed its check, 130 for an interruption and 141 where
    nobody reads the output any more, as after ``| head``.
    """
    streams.prepare()
    try:
        try:
            return _run(list(sys.argv[1:] if arguments is None else arguments))
        finally:
            streams.flush()
    except BrokenPipeError:
        streams.discard()
        return CLOSED_PIPE
    except OSError as error:  # of the output, as files have a name
        code = _fail(f"The output cannot be written ({error.strerror}); free space, or send it elsewhere.")
        streams.discard()
        return code


def _run(arguments: list[str]) -> int:
    options = parse(arguments)
    options.command_line = shlex.join(["python", "-m", "training", *arguments])
    try:
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # SIGTERM cleans up as Ctrl-C does
        from training.cli import commands

        commands.run(options)
    except ModuleNotFoundError as error:
        return _fail(f"Training needs {error.name}: pip install 'nalu-serve[training]', or make install.")
    except (InputError, UnknownNameError, ManifestError) as error:
        return _fail(str(error))
    except OSError as error:
        if error.filename is None:
            raise
        return _fail(sentence_of(error))
    except ParityError as error:
        return _fail(f"{error} Nothing was written.", code=1)
    except KeyboardInterrupt:
        after = INTERRUPTED.get(options.command, "no half-written model is left behind.")
        print(f"\nnalu-serve: interrupted; {after}", file=sys.stderr)
        return 130
    return 0


def _fail(message: str, code: int = 2) -> int:
    print(f"nalu-serve: {message}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
