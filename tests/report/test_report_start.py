"""What starting from the user's weights brings, in words."""

import re
from dataclasses import replace

import pytest

from fitwell.report.start import start_sentence
from fitwell.report.text import answer, answer_sentences
from fitwell.results import Start, StartDifference
from results_made import FULL, around, with_arm


def make_started():
    start = Start(
        weights="own.safetensors",
        sha256="0",
        baseline="treatment",
        shrink=0.4,
        noise=0.1,
        train_log_loss=around(0.01, 0.001),
        validation_log_loss=around(1.5, 0.1),
        test_log_loss=around(1.6, 0.1),
        seen="training rows",
        differences=(
            StartDifference(
                arm="treatment, continued",
                accuracy=around(-0.024, 0.01),
                log_loss=around(0.112, 0.02),
                p_adjusted=0.004,
                verdict="worse",
            ),
            StartDifference(
                arm="treatment, shrunk and perturbed",
                accuracy=around(-0.005, 0.01),
                log_loss=around(0.012, 0.02),
                p_adjusted=0.4,
                verdict="no difference shown",
            ),
        ),
    )
    result = FULL
    arms = result.comparison.arms
    given = replace(arms[0], name="as given")
    return replace(result, start=start, comparison=replace(result.comparison, arms=(*arms, given)))


def test_the_sentence_names_the_baseline_and_gives_both_differences():
    result = make_started()
    assert start_sentence(result) == (
        "Your weights read 69.1 % [67.1, 71.1] on new rows as they are. Against “treatment”, the"
        " same training from new weights, continuing from them brings -2.4 points [-3.4, -1.4]"
        " (worse; log-loss +0.112 [0.092, 0.132]) and shrinking and perturbing them first brings"
        " -0.5 points [-1.5, 0.5] (no difference shown; log-loss +0.012 [-0.008, 0.032])."
    )
    assert start_sentence(FULL) == ""


def test_the_sentence_in_korean_holds_the_same_numbers():
    result = make_started()
    english, korean = start_sentence(result), start_sentence(result, "ko")
    korean = korean.replace("−", "-")
    assert re.findall(r"[−+-]?\d+\.\d+", korean) == re.findall(r"[−+-]?\d+\.\d+", english)
    assert re.search("[가-힣]", korean)
    assert not re.search("[a-z]{3}", korean)


@pytest.mark.parametrize(
    ("seen", "caveat"),
    [
        ("validation rows", "They have probably seen validation rows: see the notes."),
        ("test rows", "They have probably seen test rows, so do not believe this: see the notes."),
        ("unknown", "Which rows they were trained on is not known: see the notes."),
    ],
)
def test_a_start_that_may_be_unfair_is_said_to_be(seen, caveat):
    clean = make_started()
    assert clean.start is not None
    result = replace(clean, start=replace(clean.start, seen=seen))
    assert start_sentence(result) == f"{start_sentence(clean)} {caveat}"
    added = start_sentence(result, "ko").removeprefix(start_sentence(clean, "ko"))
    assert re.search("[가-힣]", added)
    assert not re.search("[a-z]{3}", added)


def test_the_sentence_closes_the_answer():
    result = make_started()
    assert answer_sentences(result) == (*answer_sentences(FULL), start_sentence(result))
    assert answer(result, "ko").endswith(start_sentence(result, "ko"))


def test_weights_that_may_have_seen_test_rows_are_no_rival():
    result = make_started()
    assert result.comparison is not None
    given = result.comparison.arms[-1]
    best = replace(given, test=replace(given.test, accuracy=around(0.99, 0.01)))
    assert "as given" not in answer(with_arm(result, best))
