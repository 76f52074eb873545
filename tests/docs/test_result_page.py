"""docs/result.md lists every field of result.json and run.json, class by class."""

import re
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest

from fitwell import results
from fitwell.found import evaluation, interval, layers

PAGE = (Path(__file__).parents[2] / "docs" / "result.md").read_text(encoding="utf-8")
CLASSES = list(
    dict.fromkeys(
        c
        for module in (results, evaluation, interval, layers)
        for c in vars(module).values()
        if isinstance(c, type) and is_dataclass(c)
    )
)


def listed(heading):
    """The fields in the table below a heading, in order."""
    _, _, section = PAGE.partition(f"\n{heading}\n")
    section = re.split(r"^#+ ", section, maxsplit=1, flags=re.MULTILINE)[0]
    return re.findall(r"^\| `(\w+)` \|", section, flags=re.MULTILINE)


@pytest.mark.parametrize("kind", CLASSES, ids=lambda c: c.__name__)
def test_the_page_lists_exactly_the_fields_of_every_class(kind):
    assert sorted(listed(f"### {kind.__name__}")) == sorted(f.name for f in fields(kind))


def test_the_page_has_no_section_for_a_class_that_is_gone():
    assert set(re.findall(r"^### (\w+)$", PAGE, flags=re.MULTILINE)) == {
        c.__name__ for c in CLASSES
    }


def test_the_page_names_the_schema_and_the_format_that_are_written():
    from fitwell.runs.folder import FORMAT

    assert f"version of this schema, now {results.SCHEMA} |" in PAGE
    assert f"version of the folder's layout, now {FORMAT} |" in PAGE


def test_the_page_lists_every_key_of_run_json():
    from fitwell.runs.launch import describe
    from fitwell.runs.question import Question

    task = SimpleNamespace(
        source=SimpleNamespace(name="", fingerprint="", classes=()),
        split=SimpleNamespace(train=(), validation=(), test=()),
        given=None,
    )
    begun = describe(Question(verb="tune"), task, {}, ())
    assert set(listed("## run.json")) == {*begun, "seal", "finished"}
