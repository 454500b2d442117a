"""The docs page in a real browser, with no network."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.end_to_end.server import serve

pytestmark = pytest.mark.slow

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

OPTIONS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--virtual-time-budget=15000",
    "--window-size=1280,2400",
]


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed; apt-get install chromium runs this test.")
def test_the_docs_page_renders_every_endpoint_with_no_network(tmp_path: Path) -> None:
    with serve() as server:
        profile = f"--user-data-dir={tmp_path}"
        done = subprocess.run(
            [str(CHROMIUM), *OPTIONS, profile, "--dump-dom", f"{server.url}/docs"],
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
    for path in ("/predict/arithmetic", "/predict/image", "/models", "/health/ready", "/metrics"):
        assert f'data-path="{path}"' in done.stdout
    assert "Failed to load" not in done.stdout
