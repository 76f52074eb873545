"""The floors of docs/design.md: a file imports only from floors below its own."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "src" / "fitwell"

FLOORS = {
    "errors": 0, "version": 0, "masking": 0, "found": 0,
    "results": 1, "exits": 1,
    "statistics": 2, "storage": 2, "determinism": 2, "own": 2,
    "data": 3, "models": 3, "recipe": 3,
    "vetting": 4, "surgery": 3, "rules": 2, "dataflow": 4, "task": 4,
    "compaction": 5, "remedies": 5,
    "treatment": 6,
    "population": 7,
    "training": 8,
    "diagnosis": 9, "tuning": 9, "comparison": 9, "model_files": 9, "evaluation": 9,
    "report": 10, "loggers": 10,
    "runs": 11, "options": 11,
    "serving": 12, "exports": 12, "sagemaker": 12, "shell": 12, "adapters": 12, "estimators": 12,
    "cli": 13, "container": 13, "__init__": 13,
}  # fmt: skip

FILES = sorted(PACKAGE.rglob("*.py"))


def room(path):
    """The folder, or the file itself where it lies on top."""
    relative = path.relative_to(PACKAGE)
    return relative.parts[0] if len(relative.parts) > 1 else relative.stem


def imported(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("fitwell."):
            yield node.module.split(".")[1]
        elif isinstance(node, ast.Import):
            yield from (a.name.split(".")[1] for a in node.names if a.name.startswith("fitwell."))


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_file_imports_only_from_floors_below(path):
    own = room(path)
    for other in imported(path):
        if other != own:
            assert FLOORS[other] < FLOORS[own], f"{own} imports {other}"


def test_every_file_has_a_floor_and_every_floor_a_file():
    assert {room(path) for path in FILES} == set(FLOORS)


def test_every_floor_is_in_the_design_page():
    page = (PACKAGE.parents[1] / "docs" / "design.md").read_text(encoding="utf-8")
    for name, floor in FLOORS.items():
        if name not in ("version", "__init__"):
            assert f"{name}" in page, name
            line = next(line for line in page.splitlines() if line.strip().startswith(name))
            assert f" {floor} " in line, line


def test_only_the_command_line_and_the_job_write_to_standard_output():
    for path in FILES:
        if room(path) in ("cli", "exits", "shell", "sagemaker"):
            continue
        lines = path.read_text(encoding="utf-8").splitlines()
        text = "\n".join(line for line in lines if not line.strip().startswith((">>>", "...")))
        assert not re.search(r"\bprint\(", text), path
        assert "click.echo" not in text, path


def test_only_the_sagemaker_folder_knows_the_container_paths():
    for path in FILES:
        if room(path) != "sagemaker":
            assert "/opt/ml" not in path.read_text(encoding="utf-8"), path


LIGHT = (
    "fitwell", "fitwell.cli", "fitwell.results", "fitwell.storage", "fitwell.statistics",
    "fitwell.report.page", "fitwell.report.text", "fitwell.data.visits", "fitwell.shell",
    "fitwell.sagemaker", "fitwell.sagemaker.commands", "fitwell.sagemaker.states",
)  # fmt: skip


def test_light_modules_do_not_import_torch():
    code = (
        "import importlib, sys\n"
        f"for name in {LIGHT}:\n"
        "    importlib.import_module(name)\n"
        "    assert 'torch' not in sys.modules, name"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
