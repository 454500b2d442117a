"""Runs in Ray's environment, on the head: deploys the service, and prints its replicas' states when they change.

Without a file of Serve it is deployed as in the first example of Ray's documentation: all options are Ray's defaults.
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

import ray
from ray import serve

from app.main import create_app

POLL_SECONDS = 0.5


def main() -> None:
    """Deploy and watch until the process is ended."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--replicas", type=int, required=True)
    parser.add_argument("--nodes", type=int, required=True)
    parser.add_argument("--configuration", help="a file of Serve")
    options = parser.parse_args()
    wait_for_nodes(options.nodes)
    if options.configuration:
        program = Path(sys.executable).with_name("serve")
        subprocess.run([program, "run", "--non-blocking", options.configuration], check=True)
    else:
        serve.start(http_options={"host": "0.0.0.0"})
        serve.run(serve.deployment(serve.ingress(create_app)(), name="nalu", num_replicas=options.replicas).bind())
    seen = None
    while True:
        if (found := states()) != seen:
            print(*sorted(found.items()), flush=True)
        seen = found
        time.sleep(POLL_SECONDS)


def wait_for_nodes(count: int) -> None:
    """Return when all nodes have joined the cluster."""
    while not ray.is_initialized():
        try:
            ray.init(namespace="serve", log_to_driver=False)
        except ConnectionError:  # the head starts
            time.sleep(POLL_SECONDS)
    while sum(node["Alive"] for node in ray.nodes()) < count:
        time.sleep(POLL_SECONDS)


def states() -> dict[str, int]:
    """Replicas by their state."""
    deployments = [each for app in serve.status().applications.values() for each in app.deployments.values()]
    return {str(state): count for each in deployments for state, count in each.replica_states.items()}


if __name__ == "__main__":
    main()
