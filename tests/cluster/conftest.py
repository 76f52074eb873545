"""A Ray cluster of two nodes on this machine, each with one core."""

import os
import sys
import tempfile
from pathlib import Path

import pytest

# Read by Ray when it is imported: several nodes on loopback, nothing told to anybody, and no
# token in the home folder.
os.environ |= {
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_AUTH_MODE": "disabled",
}
SOURCE = Path(__file__).parents[2] / "src"
NODE = {"num_cpus": 1, "object_store_memory": 100 * 2**20}


@pytest.fixture(scope="module")
def one_at_a_time():
    """Of all test processes on this machine one has a cluster, or needs that there is none."""
    pytest.importorskip("ray", reason="Ray is not installed")
    from filelock import FileLock

    with FileLock(Path(tempfile.gettempdir()) / "fitwell-tests-of-ray.lock"):
        yield


@pytest.fixture(scope="module")
def cluster(one_at_a_time):
    import ray
    from ray.cluster_utils import Cluster

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join([str(SOURCE), *sys.path]))
        head = {**NODE, "include_dashboard": False, "node_ip_address": "127.0.0.1"}
        found = Cluster(initialize_head=True, head_node_args=head)
        found.add_node(**NODE)
        yield found
        ray.shutdown()
        found.shutdown()


@pytest.fixture
def connected(cluster):
    """This process as a driver of the cluster."""
    from fitwell.population.ray_tasks import connect

    connect(cluster.address)
    return cluster
