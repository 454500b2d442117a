"""The ways in which the store fails: what is done, what the service has to say of it, and how it is undone."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.object_store.moto import Moto
from benchmarks.object_store.proxy import Mode, Proxy
from benchmarks.object_store.service import MODEL, readiness

NEXT = "90"
"""A version of ``MODEL`` that is never served, as its upload is bad."""


@dataclass(frozen=True)
class Failure:
    """One way.

    Attributes:
        name: for the table.
        begin: makes it happen.
        end: undoes it.
        noticed: what is to be found in ``/health/ready`` meanwhile; empty: nothing, as it does no harm.
    """

    name: str
    begin: Callable[[], object]
    end: Callable[[], object]
    noticed: str


def failures(moto: Moto, proxy: Proxy, repository: Path) -> list[Failure]:
    """All of them, in turn."""
    version = f"{MODEL}/{NEXT}"
    model, manifest = ((repository / MODEL / "1" / name).read_bytes() for name in ("model.onnx", "manifest.json"))
    flipped = model[:-1] + bytes([model[-1] ^ 1])

    def through(mode: Mode) -> Callable[[], None]:
        return lambda: setattr(proxy, "mode", mode)

    def anew() -> None:
        moto.start()
        moto.upload(repository)

    def corrupt() -> None:
        proxy.mode = "corrupt"
        moto.store.put(f"{MODEL}/1/manifest.json", manifest + b"\n")  # so that the version is fetched again

    def half() -> None:
        moto.store.put(f"{version}/model.onnx", model)

    def put_model(content: bytes) -> Callable[[], object]:
        return lambda: moto.store.put(f"{MODEL}/1/model.onnx", content)

    return [
        Failure("killed (SIGKILL), then started empty", moto.kill, anew, "cannot be listed"),
        Failure("every answer a second late", through("delay"), through("pass"), ""),
        Failure("every answer at 20 bytes a second", through("trickle"), through("pass"), "does not answer in time"),
        Failure("every answer cut off", through("truncate"), through("pass"), "cannot be listed"),
        Failure("a byte of every object flipped on the way", corrupt, through("pass"), f"{MODEL}/1"),
        Failure("a byte flipped in the bucket", put_model(flipped), put_model(model), "has SHA-256"),
        Failure("a file in the bucket cut short", put_model(model[:-1]), put_model(model), "manifest.json lists"),
        Failure("half an upload", half, lambda: moto.remove(version), "has no manifest.json"),
        Failure(
            "all objects removed",
            moto.remove,
            lambda: moto.upload(repository),
            "holds no model",
        ),
    ]


def notices(port: int, noticed: str) -> bool:
    """Whether ``/health/ready`` says so; with an empty text, whether it says that all is well."""
    ready = readiness(port)
    reasons = [ready.get("reason"), *(model["reason"] for model in ready["models"])]
    if not noticed:
        return not any(reasons)
    return ready["ready"] and any(noticed in (reason or "") for reason in reasons)
