from pathlib import Path

import pytest
from click.testing import CliRunner

from fitwell.cli import main
from toys import QUICK, make_frame


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path, monkeypatch):
    """Relative paths, so that messages can be compared whole."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def fitwell():
    """Run a command in this process; give exit code, standard output and error."""

    def run(*arguments):
        result = CliRunner().invoke(main, [str(a) for a in arguments])
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return run


@pytest.fixture
def table():
    make_frame().to_csv("table.csv", index=False)
    return Path("table.csv")


@pytest.fixture
def quick():
    """Options that make a run last a second."""
    return QUICK
