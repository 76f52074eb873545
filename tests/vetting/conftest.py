"""A small run, trained once, and what a refusal looks like."""

import shutil

import pytest
from click.testing import CliRunner

from fitwell.cli import main
from fitwell.vetting.hashes import write_manifest
from serving.conftest import make_rows, train


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """The run that the tests copy, beside new rows."""
    folder = tmp_path_factory.mktemp("vetted")
    make_rows().to_csv(folder / "table.csv", index=False)
    run = train(folder, folder / "table.csv", target="bought", widths=(8,))
    if not (run / "report.html").exists():
        (run / "report.html").write_text("<p>no parts for drawing are installed</p>")
        write_manifest(run)
    return run


@pytest.fixture
def run(made, tmp_path):
    """A copy to tamper with."""
    names = ("run.json", "result.json", "report.html", "hashes.json", "model")
    for name in names:
        copy = shutil.copytree if (made / name).is_dir() else shutil.copy
        (tmp_path / "run").mkdir(exist_ok=True)
        copy(made / name, tmp_path / "run" / name)
    return tmp_path / "run"


@pytest.fixture
def refusal(made):
    """What ``fitwell predict`` says of a run that it refuses: one line, exit code 2."""

    def refused(run):
        table = str(made.parent / "table.csv")
        done = CliRunner().invoke(main, ["predict", str(run), table])
        assert done.exit_code == 2, done.output
        assert done.stdout == ""
        assert done.stderr.count("\n") == 1
        return done.stderr.removeprefix("fitwell: ").strip()

    return refused
