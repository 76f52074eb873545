import subprocess
import sys
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


def test_help_answers_without_what_takes_long_to_import():
    code = (
        "import sys, contextlib\n"
        "from fitwell.cli import main\n"
        "with contextlib.suppress(SystemExit):\n"
        "    main(['--help'])\n"
        "heavy = {'torch', 'numpy', 'pandas', 'scipy', 'sklearn', 'numba'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Usage:")


def test_the_version_is_printed(fitwell):
    from fitwell import __version__

    assert fitwell("--version").output == f"fitwell, version {__version__}\n"


def test_an_unknown_option_names_the_near_one(fitwell):
    done = fitwell("tune", "x.csv", "--trial", "3")
    assert done.exit_code == 2
    assert "--trials" in done.stderr
