"""Two Ray nodes in an environment that has Ray: prints where they are, and stops them when its input ends."""

import json
import sys

from ray.cluster_utils import Cluster

NODE = {"num_cpus": 1, "object_store_memory": 100_000_000, "include_dashboard": False}


def main() -> None:
    """Start and stop them."""
    cluster = Cluster(initialize_head=True, head_node_args={**NODE, "gcs_server_port": int(sys.argv[1])})
    node = cluster.add_node(**NODE)
    raylet = node.all_processes["raylet"][0].process.pid
    print(json.dumps({"address": cluster.address, "raylet": raylet}), flush=True)
    sys.stdin.read()
    cluster.shutdown()


if __name__ == "__main__":
    main()
