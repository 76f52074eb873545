import subprocess
import sys
import time
from pathlib import Path

import pytest

from fitwell.cli import main

FITWELL = Path(sys.executable).with_name("fitwell")


@pytest.mark.parametrize("command", [(), *((name,) for name in sorted(main.commands))])
def test_every_help_ends_with_an_example(fitwell, command):
    done = fitwell(*command, "--help")
    assert done.exit_code == 0
    assert "Example:\n    fitwell " in done.output.replace("  Example:", "Example:").replace(
        "      fitwell ", "    fitwell "
    )


def test_help_does_not_import_torch():
    code = (
        "import sys; from fitwell.cli import main;"
        "main(['--help'], standalone_mode=False); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0


def test_help_answers_in_a_fraction_of_the_time_that_torch_takes_to_import():
    """The bound is a ratio on one machine, the best of three, so that load hardly matters."""

    def best(command):
        times = []
        for _ in range(3):
            start = time.perf_counter()
            subprocess.run(command, capture_output=True, check=True)
            times.append(time.perf_counter() - start)
        return min(times)

    assert best([FITWELL, "--help"]) < 0.5 * best([sys.executable, "-c", "import torch"])


def test_the_version_is_printed(fitwell):
    from fitwell import __version__

    assert fitwell("--version").output == f"fitwell, version {__version__}\n"


def test_an_unknown_option_names_the_near_one(fitwell):
    done = fitwell("tune", "x.csv", "--trial", "3")
    assert done.exit_code == 2
    assert "--trials" in done.stderr
