"""What the README and the pages show works as it stands."""

import ast
import re
import runpy
import shlex
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import click
import pytest

from fitwell.cli import main

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
FENCE = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(page, language):
    text = page.read_text(encoding="utf-8")
    return [code for kind, code in FENCE.findall(text) if kind in language]


@pytest.mark.parametrize(
    "page",
    [
        page if page == ROOT / "README.md" else pytest.param(page, marks=pytest.mark.slow)
        for page in PAGES
    ],
    ids=lambda p: p.name,
)
def test_the_python_blocks_of_a_page_run_in_order(page, tmp_path):
    # What needs AWS's own SDK is tested in tests/sagemaker, in the SDK's own environment.
    ours = [block for block in blocks(page, ("python",)) if "from sagemaker." not in block]
    code = "\n".join(ours)
    if not code:
        return
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_both_readmes_show_the_same_code():
    """But for the comments, which each has in its own language."""
    english, korean = (
        [ast.dump(ast.parse(code)) for code in blocks(ROOT / name, ("python",))]
        for name in ("README.md", "README.ko.md")
    )
    assert english == korean


def commands():
    for page in PAGES:
        for code in blocks(page, ("sh", "bash", "console")):
            for line in code.replace("\\\n", " ").splitlines():
                words = shlex.split(line, comments=True)
                if words[:1] == ["fitwell"] and len(words) > 1:
                    yield pytest.param(words[1:], id=f"{page.name}: {' '.join(words)}"[:90])


def exported():
    """Give the variables that the pages set before their commands."""
    for page in PAGES:
        for code in blocks(page, ("sh",)):
            for line in code.splitlines():
                if line.startswith("export "):
                    yield from (word.split("=", 1) for word in shlex.split(line)[1:])


@pytest.mark.parametrize("words", list(commands()))
def test_every_command_of_a_page_is_one_that_fitwell_has(words, monkeypatch):
    if words[0].startswith("-"):
        return
    for name, value in exported():
        monkeypatch.setenv(name, value)
    command, rest = main.commands[words[0]], list(words[1:])
    if isinstance(command, click.Group) and rest[:1] and not rest[0].startswith("-"):
        command, rest = command.commands[rest[0]], rest[1:]
    # Without the settings of the whole, click would keep a help option that lacks -h.
    whole = click.Context(main, info_name="fitwell", **main.context_settings)
    with suppress(click.exceptions.Exit):  # raised by --help; a wrong option is a UsageError
        command.make_context(words[-1], rest, parent=whole)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_every_link_between_pages_leads_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), target


def test_the_readmes_name_the_two_commands_first():
    for name in ("README.md", "README.ko.md"):
        first = blocks(ROOT / name, ("sh",))[0]
        assert first.startswith("make demo")
        assert "make test" in first


def test_the_page_of_results_has_the_sections_and_the_head_of_its_script(tmp_path):
    """Without any run the script leaves the page as it is."""
    script = runpy.run_path(str(ROOT / "docs" / "write_results_page.py"))
    former = (ROOT / "docs" / "results.md").read_text(encoding="utf-8")
    assert script["page"](tmp_path, former) == former
