"""Loggers and storages that cannot be used: one line, exit code 2, nothing left behind."""

import sys
from pathlib import Path

import pytest


@pytest.fixture
def refused(fitwell, table, quick):
    """Give the one line that a run with some options is refused by."""

    def run(*options):
        before = sorted(Path().rglob("*"))
        result = fitwell("tune", table, "--target", "bought", "--out", "run", *quick, *options)
        assert result.exit_code == 2
        assert result.stdout == ""
        assert sorted(Path().rglob("*")) == before
        assert result.stderr.startswith("fitwell: ")
        assert result.stderr.count("\n") == 1
        return result.stderr.removeprefix("fitwell: ").rstrip("\n")

    return run


@pytest.mark.parametrize("text", ["wandb:logs", "tensorboard", "mlflow:"])
def test_a_logger_that_fitwell_does_not_know_is_refused(refused, text):
    assert refused("--log", text) == (
        f"--log is '{text}', but tensorboard:FOLDER, mlflow:FOLDER or mlflow:ADDRESS is expected,"
        " for example tensorboard:logs."
    )


@pytest.mark.parametrize("kind", ["tensorboard", "mlflow"])
def test_a_logger_that_is_not_installed_is_refused_with_the_command_that_installs_it(
    refused, monkeypatch, kind
):
    monkeypatch.setitem(sys.modules, kind, None)  # Python's own way to say: not to be imported
    assert refused("--log", f"{kind}:logs") == (
        f"--log {kind}:logs needs {kind}, which is not installed here. Install it with pip install"
        f" 'fitwell[{kind}]'."
    )


def test_a_folder_for_tensorboard_below_a_file_is_refused(refused):
    pytest.importorskip("tensorboard", reason="tensorboard is not installed")
    assert refused("--log", "tensorboard:table.csv/logs") == (
        "--log tensorboard:table.csv/logs cannot be made: Not a directory. Name a folder that can"
        " be."
    )
