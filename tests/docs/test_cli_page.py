"""docs/cli.md is what docs/write_cli_page.py writes today."""

import runpy
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_is_fresh():
    written = runpy.run_path(str(DOCS / "write_cli_page.py"))["page"]()
    assert (DOCS / "cli.md").read_text(encoding="utf-8") == written, "run: make docs"


def test_every_command_has_a_section():
    from fitwell.cli import main

    page = (DOCS / "cli.md").read_text(encoding="utf-8")
    for name in main.commands:
        assert f"\n## fitwell {name}\n" in page
