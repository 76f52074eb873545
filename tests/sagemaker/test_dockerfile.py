"""The Dockerfile and its list of files, linted: by hadolint, and by rules that it lacks.

Each planted defect is found, so that a finding of none says something.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from sagemaker.image_rules import context, findings

ROOT = Path(__file__).parents[2]
HADOLINT = Path(sys.executable).with_name("hadolint")
TEXT = (ROOT / "Dockerfile").read_text(encoding="utf-8")
IGNORED = (ROOT / ".dockerignore").read_text(encoding="utf-8")
CONSTRAINTS = (ROOT / "constraints.txt").read_text(encoding="utf-8")

ENTRY = 'ENTRYPOINT ["fitwell-sagemaker"]'
HATCHLING = "pip install --no-cache-dir --constraint constraints.txt hatchling"


@pytest.fixture(scope="session")
def files():
    if not (ROOT / ".git").exists():
        pytest.skip("which files are tracked is only known in a checkout")
    return context(ROOT, IGNORED)


def planted(old, new):
    assert TEXT.count(old) == 1, old
    return TEXT.replace(old, new)


def hadolint(text):
    if not HADOLINT.exists():
        pytest.skip("hadolint is not installed: pip install 'fitwell[dev]'")
    ended = subprocess.run(
        [HADOLINT, "--no-color", "-"], input=text, capture_output=True, text=True
    )
    return ended.stdout + ended.stderr


def test_hadolint_finds_nothing():
    assert hadolint(TEXT) == ""


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        (ENTRY, "ENTRYPOINT fitwell-sagemaker train", "DL3025"),
        (HATCHLING, HATCHLING.replace(" --no-cache-dir", ""), "DL3042"),
        (HATCHLING, "pip install --no-cache-dir hatchling", "DL3013"),
        ("COPY src src", "ADD src src", "DL3020"),
        ("COPY src src", "COPY src src\nRUN cd /src && ls", "DL3003"),
        ("WORKDIR /src", "WORKDIR src", "DL3000"),
        ("# hadolint ignore=DL3002\n", "", "DL3002"),
        ("FROM ${PYTHON_IMAGE} AS build", "FROM python:latest AS build", "DL3007"),
        ("FROM ${PYTHON_IMAGE} AS build", "FROM python AS build", "DL3006"),
        ("EXPOSE 8080", "EXPOSE 80800", "DL3011"),
        ('"./$1[sagemaker]"', "./$1[sagemaker]", "SC2102"),
    ],
)
def test_hadolint_finds_a_planted_defect(old, new, rule):
    assert rule in hadolint(planted(old, new))


def test_the_rules_find_nothing(files):
    assert list(findings(TEXT, files, CONSTRAINTS)) == []


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("ARG PYTHON_IMAGE=python:3.11.15-slim-bookworm", "ARG PYTHON_IMAGE=python:3.11-slim",
         ["stage build: python:3.11-slim has no version of three numbers and no digest",
          "stage installed: python:3.11-slim has no version of three numbers and no digest"]),
        ("FROM ${PYTHON_IMAGE} AS build", "FROM python:latest AS build",
         ["stage build: python:latest has no version of three numbers and no digest"]),
        (ENTRY, "ENTRYPOINT fitwell-sagemaker", ["line {line}: ENTRYPOINT is not in exec form"] * 2),
        (ENTRY, "", ["stage unprivileged has no ENTRYPOINT", "stage sagemaker has no ENTRYPOINT"]),
        ("USER 0:0", "", ["stage sagemaker does not say its USER"]),
        ("USER 10001:10001", "USER fitwell", ["line {line}: USER fitwell is not in numbers"]),
        ("EXPOSE 8080", "ENV AWS_SECRET=x", ["line {line}: AWS_SECRET looks like a secret"]),
        ("EXPOSE 8080", "ARG PIP_TOKEN", ["line {line}: PIP_TOKEN looks like a secret"]),
        ("download.pytorch.org", "me:word@download.pytorch.org",
         ["line {line}: an address holds a password"]),
        (HATCHLING, "pip install --no-cache-dir hatchling",
         ["line {line}: pip install without --constraint constraints.txt"]),
        (HATCHLING, f"{HATCHLING} wheel", ["line {line}: wheel is not in constraints.txt"]),
        ("COPY src src", "ADD https://example.org/src.tar.gz src",
         ["line {line}: ADD fetches and unpacks; COPY does not"]),
        ("COPY src src", "COPY sources src",
         ["line {line}: sources is not among the files of a build"]),
        ("COPY src src", "COPY src tests ./",
         ["line {line}: tests is not among the files of a build"]),
        ("EXPOSE 8080", "COPY --from=sagemaker /opt ./", ["line {line}: sagemaker is no earlier stage"]),
    ],
)  # fmt: skip
def test_the_rules_find_a_planted_defect(old, new, found, files):
    line = TEXT[: TEXT.index(old)].count("\n") + 1
    told = [text.format(line=line) for text in found]
    assert list(findings(planted(old, new), files, CONSTRAINTS)) == told


@pytest.mark.parametrize("line", ["!src", "!constraints.txt", "!LICENSE"])
def test_a_source_that_is_kept_out_of_the_build_is_found(line, files):
    kept = context(ROOT, IGNORED.replace(f"{line}\n", ""))
    assert kept != files
    assert list(findings(TEXT, kept, CONSTRAINTS)) != []


def test_a_build_is_given_the_sources_and_nothing_else(files):
    tops = {file.partition("/")[0] for file in files}
    assert tops == {"LICENSE", "README.md", "constraints.txt", "pyproject.toml", "src"}
    assert all(not file.endswith((".pyc", ".pyo")) for file in files)
