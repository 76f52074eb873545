"""A node that is lost in the middle of a search changes nothing."""

import json
import os
import subprocess
import sys
import time

import pytest

from ray_processes import kill, raylet, stopped_while_it_works
from toys import make_frame, timeless

MAIN = [sys.executable, "-c", "from fitwell.cli import main; main()"]
MODEL = """
from torch import nn

def make(inputs, outputs):
    return nn.Sequential(
        nn.Linear(inputs, 8), nn.LayerNorm(8), nn.Tanh(), nn.Linear(8, outputs)
    )
"""


def tune(out, *options):
    small = ["--target", "bought", "--trials", "24", "--epochs", "20", "--seeds", "2"]
    return [*MAIN, "tune", "table.csv", *small, "--quiet", "--out", out, *options]


def result(out):
    return timeless(json.loads((out / "result.json").read_text()))


def alone(folder):
    """Where and how a command runs that is a process of its own."""
    path = os.pathsep.join(path for path in sys.path if path)
    return {"cwd": folder, "env": {**os.environ, "PYTHONPATH": path}}


@pytest.mark.slow
def test_one_of_three_nodes_is_killed_in_mid_search_and_the_choice_is_the_same(cluster, tmp_path):
    make_frame(rows=1500).to_csv(tmp_path / "table.csv", index=False)
    network = ("--widths", "256,128")
    subprocess.run(tune("here", *network, "--workers", "2"), check=True, **alone(tmp_path))
    node = cluster.add_node(num_cpus=1, object_store_memory=100 * 2**20)
    cluster.wait_for_nodes()

    def finished():
        return len(list((tmp_path / "there" / "population").glob("*.safetensors")))

    search = subprocess.Popen(tune("there", *network, "--ray", cluster.address), **alone(tmp_path))
    try:
        while finished() < 2 and search.poll() is None:
            time.sleep(0.01)
        process = stopped_while_it_works([raylet(node)])
        before = finished()
        cluster.remove_node(node, allow_graceful=False)
        kill(process)
        assert search.poll() is None
        assert search.wait(300) == 0
    finally:
        search.kill()
    assert finished() > before
    assert result(tmp_path / "there") == result(tmp_path / "here")


@pytest.mark.slow
def test_a_network_from_a_file_beside_the_data_is_trained_on_nodes_too(cluster, tmp_path):
    make_frame().to_csv(tmp_path / "table.csv", index=False)
    (tmp_path / "mynet.py").write_text(MODEL)
    few = ("--model", "mynet:make", "--trials", "3", "--epochs", "3")
    subprocess.run(tune("here", *few, "--workers", "2"), check=True, **alone(tmp_path))
    subprocess.run(tune("there", *few, "--ray", cluster.address), check=True, **alone(tmp_path))
    assert result(tmp_path / "there") == result(tmp_path / "here")
