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


@pytest.mark.parametrize(
    ("address", "message"),
    [
        (
            "sqlite:///no/such/folder/trials.db",
            "--storage sqlite:///no/such/folder/trials.db cannot be opened: OperationalError:"
            " (sqlite3.OperationalError) unable to open database file. Give an address such as"
            " sqlite:///trials.db, or the path of a journal file.",
        ),
        (
            "oracel://ann:secret@host/trials",
            "--storage oracel://ann:***@host/trials cannot be opened: NoSuchModuleError: Can't load"
            " plugin: sqlalchemy.dialects:oracel. Give an address such as sqlite:///trials.db, or"
            " the path of a journal file.",
        ),
        (
            "no/such/folder/trials.log",
            "--storage no/such/folder/trials.log cannot be opened: FileNotFoundError: [Errno 2] No"
            " such file or directory: 'no/such/folder/trials.log'. Give an address such as"
            " sqlite:///trials.db, or the path of a journal file.",
        ),
        (
            "trials.db",
            "--storage is 'trials.db', but an address is expected for a database: write"
            " sqlite:///trials.db.",
        ),
    ],
)
def test_a_storage_that_cannot_be_opened_is_refused(refused, address, message):
    assert refused("--storage", address) == message


def test_a_file_that_is_no_journal_is_refused(refused):
    message = refused("--storage", "table.csv")
    assert message.startswith("--storage table.csv cannot be opened: ")
    assert message.endswith("such as sqlite:///trials.db, or the path of a journal file.")


def test_a_run_goes_on_with_its_own_storage_only(fitwell, table, quick):
    arguments = ("tune", table, "--target", "bought", "--out", "run", *quick)
    assert fitwell(*arguments, "--storage", "sqlite:///shared.db").exit_code == 0
    result = fitwell(*arguments, "--resume")
    assert result.exit_code == 2
    assert result.stderr == (
        "fitwell: --resume: run was begun with storage = 'sqlite:///shared.db', not ''. Repeat the"
        " first command, or choose another --out.\n"
    )
