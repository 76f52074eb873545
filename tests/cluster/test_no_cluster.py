"""Where no cluster can be had, one line says so before anything is trained."""

import sys

import pytest
from click.testing import CliRunner

from fitwell.cli import main
from fitwell.errors import InputError
from fitwell.population import ray_tasks
from fitwell.runs.place import Place
from toys import make_frame

WAY_OUT = (
    "Start one with ray start --head, join it from each machine with ray start --address"
    " HOST:PORT, and run fitwell on one of them; or leave --ray out."
)


@pytest.fixture
def tune(tmp_path, monkeypatch):
    """Run the command; give exit code and standard error."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    make_frame().to_csv("table.csv", index=False)

    def run(address):
        given = ["tune", "table.csv", "--target", "bought", "--quiet", "--out", "run"]
        result = CliRunner().invoke(main, [*given, "--ray", address])
        assert not (tmp_path / "run").exists()
        return result.exit_code, result.stderr

    return run


@pytest.mark.slow
def test_no_cluster_on_this_machine(one_at_a_time, tune, tmp_path, monkeypatch):
    # A cluster that died leaves its address in Ray's folder, and Ray waits for that one.
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path / "ray"))
    code, told = tune("auto")
    assert code == 2
    assert told == (
        "fitwell: --ray auto: no Ray cluster could be joined (ConnectionError: Could not find any"
        " running Ray instance. Please specify the one to connect to by setting `--address` flag"
        f" or `RAY_ADDRESS` environment variable.). {WAY_OUT}\n"
    )


@pytest.mark.slow
def test_nobody_at_the_address(one_at_a_time, tune, monkeypatch):
    monkeypatch.setattr(ray_tasks, "PATIENCE", 5.0)
    assert tune("127.0.0.1:9") == (
        2,
        f"fitwell: --ray 127.0.0.1:9: no Ray cluster answered within 5 s. {WAY_OUT}\n",
    )


@pytest.mark.parametrize("address", ["", "ray://head:10001", "local", "http://127.0.0.1:8265"])
def test_what_is_no_address_is_refused(tune, address):
    assert tune(address) == (
        2,
        f"fitwell: --ray is {address!r}, but auto or HOST:PORT is expected, such as"
        " 10.0.0.5:6379.\n",
    )


def test_ray_is_not_installed(tune, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)  # as Python itself marks what is not there
    assert tune("auto") == (2, "fitwell: --ray needs Ray: pip install 'fitwell[ray]'.\n")


def test_a_graphics_card_is_refused():
    with pytest.raises(InputError) as caught:
        Place(out=None, ray="auto").crew("cuda")
    assert str(caught.value) == (
        "--ray trains on processors, but the device is cuda. Add --device cpu."
    )
