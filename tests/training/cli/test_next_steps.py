"""The commands that a training ends with work as they are printed, whatever the files are called."""

import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from training.cli.report import print_next_steps

NAMES = [
    "plain.png",
    "a b.tif",
    "it's.gif",
    "a,b;c.bmp",
    'say "x".avif',
    "back\\slash.webp",
    "größe.tif",
    "$HOME`ls`.png",
]


@pytest.fixture
def bodies() -> Iterator[tuple[int, list[bytes]]]:
    """The port of a server, and the bodies that it has received."""
    received: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server.server_port, received
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_printed_command_uploads_the_image_whatever_its_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], bodies: tuple[int, list[bytes]]
) -> None:
    port, received = bodies
    for name in NAMES:
        file = tmp_path / "my images" / name
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(f"content of {name}".encode())
        print_next_steps(tmp_path / "m" / "1", tmp_path, "shade", file)
        command = capsys.readouterr().out.splitlines()[-1].removeprefix("predict  ")
        line = command.replace("localhost:8000", f"127.0.0.1:{port}").replace("curl ", "curl -sS --noproxy '*' ", 1)
        subprocess.run(["bash", "-c", line], check=True, capture_output=True, timeout=30)
        assert f"content of {name}".encode() in received[-1]
        assert b'name="model"\r\n\r\nshade\r\n' in received[-1]
    assert len(received) == len(NAMES)


def test_a_plain_name_needs_no_quotes_and_a_repository_with_a_space_has_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    print_next_steps(Path("r/m/1"), Path("my models"), "m", Path("images/1.tif"))
    assert capsys.readouterr().out.splitlines() == [
        "written  r/m/1",
        "serve    python -m app --repository 'my models'",
        "predict  curl localhost:8000/predict/image -F model=m -F files=@images/1.tif",
    ]
