"""The answer in words: true to its numbers, and no more than they show."""

import subprocess
import sys
from dataclasses import replace

import pytest

from fitwell.report.chosen import optimism, promise_sentence, settings_phrase, settings_text
from fitwell.report.language import translate
from fitwell.report.text import answer, answer_sentences
from fitwell.results import Difference, Interval, Result
from results_made import (
    ARMS,
    BAGGED,
    BEFORE,
    DIAGNOSED,
    FULL,
    RESAMPLED,
    WEIGHTED,
    around,
    scores,
    with_arm,
)


def test_the_answer_names_gap_settings_gains_baselines_and_what_is_not_shown() -> None:
    assert answer(FULL) == (
        "Your network reads 99.8 % [99.6, 100.0] on the rows it was trained on and 69.1 %"
        " [67.1, 71.1] on new rows: a gap of 30.7 points (95 % interval 28.6 to 32.7), severe"
        " overfitting. With L1 2.3e-5, weight_decay 0.012 (timescale 37 epochs, fading to 0) and"
        " dropout 0.42 (fading to 0), refitted on training and validation rows together, it reads 74.0 % [72.0, 76.0] on new rows (mean of 5"
        " trainings; the untreated network's mean is 69.1 %), 4.9 points [3.1, 6.7] more than the untreated network at its last epoch and"
        " 1.1 points [-0.2, 2.4] more than stopping it early: no difference shown against early"
        " stopping. Against early stopping, regularization alone brings +0.7 points [-0.4, 1.8] and"
        " the added training rows alone +0.5 points [-0.4, 1.4]. In log-loss, the validation rows"
        " promised 0.712 [0.685, 0.739] for the choice, and rows without a say in it say 0.731"
        " [0.715, 0.747]: an optimism of +0.019 [-0.012, 0.050] (no difference shown)."
    )


def test_the_korean_answer_says_the_same() -> None:
    assert answer(FULL, "ko") == (
        "이 네트워크의 정확도는 학습에 쓴 데이터에서 99.8% [99.6, 100.0], 새 데이터에서 69.1%"
        " [67.1, 71.1]입니다. 격차는 30.7%p(95% 신뢰구간 28.6 ~ 32.7)로, 심각한 과적합입니다."
        " L1 2.3e-5, weight_decay 0.012(시간 척도 37에폭, 후반에 0까지 감소), 드롭아웃 0.42(후반에 0까지"
        " 감소) 설정으로 학습 세트와 검증 세트를 합쳐 다시 학습하면 새 데이터 정확도는 74.0% [72.0, 76.0](학습 5회 평균, 정규화 없는 네트워크의 평균은 69.1%)이며, 정규화 없이 마지막"
        " 에폭까지 학습한 네트워크 대비 +4.9%p [3.1, 6.7], 조기 종료 대비 +1.1%p [-0.2, 2.4]입니다."
        " 조기 종료 대비 차이는 확인되지 않았습니다. 조기 종료 대비 정규화만 적용했을 때의 변화는"
        " +0.7%p [-0.4, 1.8], 학습 데이터만 늘렸을 때의 변화는 +0.5%p [-0.4, 1.4]입니다. 선택한 설정의"
        " 로그 손실은 검증 세트에서 0.712 [0.685, 0.739]로 예상되었고, 선택에 관여하지 않은 데이터로는"
        " 0.731 [0.715, 0.747]로 추정되며, 그 차이인 낙관 편향은 +0.019 [-0.012, 0.050]입니다(차이"
        " 확인되지 않음)."
    )


def test_the_promise_is_held_against_its_estimate_in_the_last_sentence() -> None:
    for lang in ("en", "ko"):
        last = answer_sentences(FULL, lang)[-1]
        assert last == promise_sentence(FULL.regularization, lang)
        for number in ("0.712 [0.685, 0.739]", "0.731 [0.715, 0.747]", "+0.019 [-0.012, 0.050]"):
            assert number in last


def test_optimism_is_the_estimate_minus_the_promise_with_the_longer_of_both_reaches() -> None:
    assert FULL.regularization is not None
    found = optimism(FULL.regularization)
    assert found is not None
    assert found.value == pytest.approx(0.731 - 0.712)
    assert found.high - found.value == pytest.approx((0.027**2 + 0.016**2) ** 0.5)


def test_an_optimism_that_is_shown_is_not_called_open() -> None:
    assert FULL.regularization is not None
    shown = replace(FULL.regularization, estimated_log_loss=around(0.8, 0.01))
    assert promise_sentence(shown).endswith(": an optimism of +0.088 [0.059, 0.117].")
    assert promise_sentence(shown, "ko").endswith("낙관 편향은 +0.088 [0.059, 0.117]입니다.")


def test_without_folds_nothing_is_said_of_optimism() -> None:
    assert FULL.regularization is not None
    folded_not = replace(FULL.regularization, estimated_log_loss=None)
    assert promise_sentence(folded_not) == promise_sentence(None) == ""
    assert answer(replace(FULL, regularization=folded_not)).endswith("[-0.4, 1.4].")


def test_settings_name_what_is_on_and_fading_only_of_what_can_fade() -> None:
    assert FULL.regularization is not None
    off = replace(FULL.regularization, l1=0.0, decay_epochs=0.0, weight_decay=0.0, dropout=0.0)
    assert settings_phrase(off) == ""
    assert settings_phrase(replace(off, l1=1e-5, l2=1e-4)) == "L1 1e-5 and L2 0.0001"
    constant = replace(off, decay_epochs=1397.7, weight_decay=125.4, fades=False)
    assert settings_phrase(constant) == "weight_decay 130 (timescale 1,400 epochs)"
    assert settings_phrase(replace(off, dropout=0.5, batch_norm=True)) == (
        "dropout 0.5 (fading to 0) and batch norm"
    )


def test_the_settings_of_an_arm_read_like_the_choice() -> None:
    assert settings_text(ARMS[-1], "en") == (
        "L1 2.3e-5, decoupled L2 (timescale 37 epochs, fading to 0), dropout 0.42 (fading to 0),"
        " trained on validation rows too, epochs 21"
    )
    assert settings_text(ARMS[-2], "ko") == (
        "L1 2.3e-5, 분리형 가중치 감쇠(시간 척도 37에폭, 후반에 0까지 감소), 드롭아웃 0.42(후반에 0까지"
        " 감소)"
    )
    assert settings_text(replace(ARMS[-1], settings={"l1": 1e-4, "fades": True}), "en") == (
        "L1 0.0001"
    )


def test_a_diagnosis_alone_is_followed_by_its_first_advice() -> None:
    first, second = answer_sentences(DIAGNOSED)
    assert first.endswith("severe overfitting.")
    assert second == DIAGNOSED.diagnosis.advice[0]


def test_a_loss_against_the_baseline_is_called_less_with_its_interval_turned() -> None:
    losing = replace(
        ARMS[-1],
        verdict="worse",
        against=(
            Difference(
                baseline="early stopping",
                accuracy=Interval(value=-0.012, low=-0.02, high=-0.004),
                log_loss=around(0.01, 0.02),
            ),
        ),
    )
    text = answer(with_arm(FULL, losing))
    assert "1.2 points [0.4, 2.0] less than stopping it early: worse than early stopping." in text
    korean = answer(with_arm(FULL, losing), "ko")
    assert "조기 종료 대비 -1.2%p [-2.0, -0.4]입니다. 조기 종료보다 더 나쁩니다." in korean


def test_a_shown_gain_is_called_better() -> None:
    winning = replace(ARMS[-1], verdict="better")
    assert ": better than early stopping. Against" in answer(with_arm(FULL, winning))


def test_the_added_rows_are_told_apart_only_where_the_shipped_network_had_both() -> None:
    assert FULL.after is not None
    unrefitted = replace(FULL, after=replace(FULL.after, network="treatment"))
    assert "added training rows" not in answer(unrefitted)
    assert "refitted" not in answer(unrefitted)


def test_an_open_gain_over_the_untreated_network_is_called_open() -> None:
    unclear = Difference(
        baseline="untreated", accuracy=around(0.004, 0.02), log_loss=around(0, 0.1)
    )
    arm = replace(ARMS[-1], against=(ARMS[-1].against[0], unclear))
    assert (
        "0.4 points [-1.6, 2.4] more than the untreated network at its last epoch"
        " (no difference shown)"
    ) in answer(with_arm(FULL, arm))


def test_an_untreated_network_that_was_kept_is_not_called_treated() -> None:
    assert FULL.regularization is not None
    kept = replace(
        FULL.regularization,
        l1=0.0,
        decay_epochs=0.0,
        weight_decay=0.0,
        dropout=0.0,
        fades=False,
        kept_untreated=True,
    )
    text = answer(replace(FULL, regularization=kept))
    assert (
        "No regularization that was tried was clearly better on held-out rows, so nothing is"
        " regularized. Stopped early and refitted on training and validation rows together, it"
        " reads 74.0 %"
    ) in text
    assert "dropout" not in text
    assert "regularization alone" not in text


def test_a_rival_that_reads_more_is_named_with_its_baseline() -> None:
    rival = replace(
        ARMS[4], test=scores(0.752, 0.7), difference=0.023, low=0.012, high=0.034, verdict="better"
    )
    assert (
        " The rival “smaller network” reads more: 75.2 % [73.2, 77.2], 2.3 points [1.2, 3.4] more"
        " than stopping it early. The two were not tested against each other. In log-loss,"
    ) in answer(with_arm(FULL, rival))


def test_a_rival_that_was_tested_against_the_treatment_is_named_with_the_outcome() -> None:
    rival = replace(
        RESAMPLED.comparison.arms[4], difference=0.03, low=0.012, high=0.048, verdict="better"
    )
    assert (
        "Against it “treatment” reads +0.2 points [-1.0, 1.4]: no difference shown. In log-loss,"
    ) in answer(with_arm(RESAMPLED, rival))


def test_without_a_comparison_the_treated_network_is_given_with_its_own_gap() -> None:
    text = answer(replace(FULL, comparison=None))
    assert "73.8 % [71.8, 75.8] on new rows, with a gap of 6.5 points [4.4, 8.6]. In" in text


@pytest.mark.parametrize(
    ("verdict", "words"),
    [
        ("healthy", "healthy: the gap is within the tolerance."),
        ("underfitting", "underfitting: it does worse on its own rows than a linear model."),
        ("undecided", "undecided: the test part is too small to tell."),
    ],
)
def test_other_verdicts_are_said_with_their_reason(verdict: str, words: str) -> None:
    diagnosis = replace(DIAGNOSED.diagnosis, verdict=verdict, severity="none")
    found = answer_sentences(replace(DIAGNOSED, diagnosis=diagnosis))[0]
    assert found.endswith(words)


def _open_gap() -> Result:
    gap = replace(FULL.diagnosis.evidence[0], value=0.01, low=-0.01, high=0.03)
    diagnosis = replace(DIAGNOSED.diagnosis, severity="mild", evidence=(gap,))
    before = replace(BEFORE, gap=Interval(value=-0.001, low=-0.02, high=0.018))
    return replace(DIAGNOSED, diagnosis=diagnosis, before=before)


def test_overfitting_that_only_the_log_loss_shows_is_said_to_be_so() -> None:
    assert answer_sentences(_open_gap())[0].endswith(
        ": a gap of -0.1 points (95 % interval -2.0 to 1.8), mild overfitting, which shows in the"
        " log-loss."
    )


def test_an_unknown_sentence_stays_english() -> None:
    assert translate("A sentence from the future.", "ko") == "A sentence from the future."


def test_notes_with_numbers_and_names_are_translated() -> None:
    note = r"2 columns with one value only left out: \1, g<0>."
    assert translate(note, "ko") == r"값이 하나뿐인 열 2개를 제외했습니다: \1, g<0>."


def test_the_text_needs_neither_charts_nor_templates_nor_torch() -> None:
    code = (
        "import sys, fitwell.report.text, fitwell.report.tables;"
        "heavy = {'altair', 'jinja2', 'torch', 'vl_convert', 'numpy', 'pandas'};"
        "sys.exit(', '.join(heavy & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_bag_is_held_against_the_bag_of_early_stopping_in_both_measures() -> None:
    sentences = answer_sentences(BAGGED)
    assert sentences[1].startswith(
        "With L1 2.3e-5, weight_decay 0.012 (timescale 37 epochs, fading to 0) and dropout 0.42"
        " (fading to 0), as the mean of 4 networks on different cuts of the rows, it reads 74.4 %"
    )
    assert sentences[1].endswith("more than stopping it early: better than early stopping.")
    assert sentences[2] == (
        "Mean against mean, “treatment, bag” minus “early stopping, bag” is +0.2 points"
        " [-0.4, 0.8] in accuracy and -0.007 [-0.010, -0.004] in log-loss."
    )
    assert answer_sentences(BAGGED, "ko")[2] == (
        "평균끼리 비교하면 ‘정규화 적용 배깅’에서 ‘조기 종료 배깅’을 뺀 차이는 정확도 +0.2%p"
        " [-0.4, 0.8], 로그 손실 -0.007 [-0.010, -0.004]입니다."
    )
    assert len(sentences) == 4  # no rival reads more, and the last is the promise


def test_weighted_finalists_name_no_strengths_and_the_refitted_network_is_their_rival() -> None:
    assert FULL.regularization is not None
    for kept in (False, True):
        regularization = replace(FULL.regularization, kept_untreated=kept)
        sentences = answer_sentences(replace(WEIGHTED, regularization=regularization))
        assert sentences[1].startswith(
            "As the mean of the finalists, weighted by the validation rows (2 of them above 0), it"
            " reads 73.9 %"
        )
        assert sentences[2].startswith("The rival “treatment, refitted” reads more: 74.0 %")
        assert "Mean against mean" not in " ".join(sentences)
