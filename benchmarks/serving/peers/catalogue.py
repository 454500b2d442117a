"""Other servers, each in an environment of its own, and how each is started."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.environments import Environment

PROGRAMS = "benchmarks.serving.peers.programs"
MODELS = ("numpy==2.4.6", "onnxruntime==1.31.1", "pillow==13.0.0")
"""As the service has them; what else a server needs is as its release asks."""
FORMS = "multipart==2.0.1"


@dataclass(frozen=True)
class Peer:
    """A server that is compared.

    Attributes:
        name: on the command line.
        about: what it is, for the page.
        environment: where it runs; its first requirement is the server.
        arguments: of its Python; ``{port}`` stands for the port.
        predicts: whether it answers with predictions, or sends the body back.
    """

    name: str
    about: str
    environment: Environment
    arguments: Sequence[str]
    predicts: bool = True

    @property
    def title(self) -> str:
        """With its version, as pip takes it."""
        return self.environment.requirements[0]

    def command(self, python: Path, port: int) -> list[str]:
        """That starts it on a port, in its environment."""
        return [str(python), *(word.format(port=port) for word in self.arguments)]


MOSEC = Environment("mosec", ("mosec==0.9.8", "msgspec==0.22.0", FORMS, *MODELS))
GRANIAN = Environment("granian", ("granian[uvloop]==2.8.9", "pydantic==2.14.3", FORMS, *MODELS))
FASTPYSGI = Environment("fastpysgi", ("fastpysgi==0.6",))
LITSERVE = Environment("litserve", ("litserve==0.2.19", "python-multipart==0.0.34", *MODELS))
MLSERVER = Environment("mlserver", ("mlserver==1.7.1", *MODELS))

_MOSEC = ("-m", f"{PROGRAMS}.mosec_server", "--address", "127.0.0.1", "--port", "{port}", "--log-level", "error")
_GRANIAN = ("-m", "granian", "--http", "1", "--no-ws", "--port", "{port}", "--log-level", "error")

PEERS = {
    peer.name: peer
    for peer in (
        Peer(
            "mosec",
            "HTTP in Rust, a Python worker a route, json without checks, batches of up to 32 requests that wait 1 ms",
            MOSEC,
            (*_MOSEC, "--batch", "32"),
        ),
        Peer(
            "mosec-msgspec",
            "the same with requests decoded and checked, and responses encoded, by msgspec",
            MOSEC,
            (*_MOSEC, "--batch", "32", "--msgspec"),
        ),
        Peer("mosec-unbatched", "that without batches", MOSEC, (*_MOSEC, "--batch", "1", "--msgspec")),
        Peer(
            "granian",
            "HTTP in Rust, its own interface RSGI, pydantic and ONNX Runtime in line, and nothing else",
            GRANIAN,
            (*_GRANIAN, "--interface", "rsgi", f"{PROGRAMS}.granian_rsgi:app"),
        ),
        Peer(
            "granian-echo",
            "an ASGI application that sends the body back",
            GRANIAN,
            (*_GRANIAN, "--interface", "asgi", f"{PROGRAMS}.asgi_echo:app"),
            predicts=False,
        ),
        Peer(
            "fastpysgi-echo",
            "HTTP in C; the same ASGI application",
            FASTPYSGI,
            ("-m", f"{PROGRAMS}.fastpysgi_echo", "{port}"),
            predicts=False,
        ),
        Peer(
            "litserve",
            "FastAPI in one process and a worker a route, its fast queue between them, no batches",
            LITSERVE,
            ("-m", f"{PROGRAMS}.litserve_server", "{port}"),
        ),
        Peer(
            "mlserver",
            "a custom runtime whose handlers answer in the server's own process, pydantic's checks, its metrics",
            MLSERVER,
            ("-m", f"{PROGRAMS}.mlserver_server", "{port}"),
        ),
    )
}
