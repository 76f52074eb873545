"""Whatever a lower floor may say has its Korean: the sentences are taken from the code."""

import ast
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import fitwell
from fitwell.comparison import arms
from fitwell.data.tables import make_table
from fitwell.diagnosis import gap, overtraining, underfitting, verdict
from fitwell.remedies import all_remedies
from fitwell.report.language import translate
from fitwell.runs.objective import FORM
from fitwell.runs.start import SEEN
from toys import make_frame

PACKAGE = Path(fitwell.__file__).parent
HANGUL = re.compile(r"[가-힣]")


def sentences():
    for module in (gap, overtraining, underfitting, verdict):
        for name, value in vars(module).items():
            if name.isupper() and isinstance(value, str):
                yield value


def checks():
    for module in (gap, overtraining, underfitting):
        tree = ast.parse(Path(module.__file__).read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.keyword) and node.arg == "check":
                yield node.value.value


def notes_on_a_start():
    yield from SEEN.values()


def notes():
    """Every literal sentence that is appended to a list of notes, its blanks filled."""
    for path in [*PACKAGE.glob("data/*.py"), *PACKAGE.glob("runs/*.py")]:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr == "append"
                and isinstance(node.func.value, ast.Name)
                and "notes" in node.func.value.id
            ):
                yield from texts(node.args[0])


def texts(node):
    if isinstance(node, ast.Constant):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        parts = [p.value if isinstance(p, ast.Constant) else "7" for p in node.values]
        if "".join(parts[:3]) != "7 7":  # put together from parts: see below
            yield "".join(parts)


def names():
    every = {"batch_norm": True, "scalable": True, "bag": True, "greedy": True, "given": True}
    yield from (a.name for a in arms.plan_arms("compare", **every))
    yield arms.AS_GIVEN
    yield from ("l1", "decoupled L2", "dropout", "batch norm", FORM)


def notes_of_a_table():
    """Those put together from parts, from data that calls for them."""
    frame = make_frame()
    frame["one"], frame["none"] = 1, np.nan
    frame["name"] = [f"customer {i}" for i in range(len(frame))]
    frame.loc[3, "income"] = np.inf
    yield from make_table(pd.concat([frame, frame.head(2)], ignore_index=True), "bought").notes


@pytest.mark.parametrize(
    "text",
    [*sentences(), *checks(), *notes(), *notes_on_a_start(), *notes_of_a_table()],
)
def test_every_sentence_of_the_diagnosis_and_every_note_is_translated(text):
    assert HANGUL.search(translate(text, "ko")), text


def test_the_sentences_were_found():
    assert len(list(sentences())) >= 12
    assert len(list(checks())) >= 3
    assert len(list(notes())) >= 8
    assert len(list(notes_of_a_table())) >= 4


@pytest.mark.parametrize("name", [a for a in names() if a != "l1"])
def test_every_arm_remedy_and_form_is_translated(name):
    assert HANGUL.search(translate(name, "ko"))


def test_the_remedies_are_those_of_the_arms_and_coupled_l2_which_is_the_users_own():
    used = {
        r for a in arms.plan_arms("compare", batch_norm=True, scalable=True) for r in a.remedies
    }
    assert used | {"l2"} == set(all_remedies())
