"""rumdl, which `make lint` runs on the pages: what it is set to finds defects."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RUMDL = Path(sys.executable).with_name("rumdl")
GOOD = "# Title\n\nText.\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```sh\nls\n```\n"


def findings(text, folder):
    if not RUMDL.exists():
        pytest.skip("rumdl is not installed: pip install 'fitwell[dev]'")
    page = folder / "page.md"
    page.write_text(text, encoding="utf-8")
    command = [RUMDL, "check", "--no-cache", "--config", ROOT / "pyproject.toml", page]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True).stdout


def test_a_good_page_has_no_findings(tmp_path):
    assert "No issues found" in findings(GOOD, tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("| 1 | 2 |", "| 1 | 2 | 3 |", "MD056"),
        ("```sh", "```", "MD040"),
        ("Text.", "[text](missing.md)", "MD057"),
        ("Text.", "[text](#nowhere)", "MD051"),
        ("Text.", "### Text", "MD001"),
        ("Text.", "<b>Text</b>", "MD033"),
        ("Text.\n", "Text.\n\n# Title\n", "MD025"),
    ],
)
def test_a_planted_defect_is_found(old, new, rule, tmp_path):
    assert rule in findings(GOOD.replace(old, new), tmp_path)
