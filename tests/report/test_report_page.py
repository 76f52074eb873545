"""The page as text: its numbers, its safety, its size, both languages."""

import re
import sys
from dataclasses import replace
from html import unescape
from pathlib import Path

import pytest

from fitwell.errors import InputError
from fitwell.report import language
from fitwell.report.page import render_page, write_report
from fitwell.results import Interval, Result
from outline import Outline
from results_made import (
    ARMS,
    BAGGED,
    BINARY,
    CURVES,
    DIAGNOSED,
    FULL,
    HOSTILE,
    KOREAN_AND_EMOJI,
    LAYERS,
    MANY,
    RESAMPLED,
    RUN,
    TIED,
    WEIGHTED,
    with_arm,
    with_names,
)


@pytest.fixture(scope="module")
def english() -> str:
    return render_page(FULL, run=RUN)


def test_every_element_is_closed_and_no_name_is_used_twice(english: str) -> None:
    ids = Outline(english).ids()
    assert len(ids) == len(set(ids))
    assert "comparison" in ids


def test_the_numbers_on_the_page_are_those_of_the_result(english: str) -> None:
    words = Outline(english).text
    for shown in (
        "99.8 % [99.6, 100.0]",  # before, training rows
        "30.7 [28.6, 32.7]",  # gap before
        "6.5 [4.4, 8.6]",  # gap after
        "1.873 [1.842, 1.904]",  # log-loss before
        "80.1 % [79.2, 81.0]",  # best reachable
        "30.7 points [28.6, 32.7] 2.0 points",  # evidence and threshold
        "2.3e-5",
        "32.7 %",  # exact zeros
        "decoupled L2 weight_decay 0.012 (timescale 37 epochs)",
        "decoupled L2 (timescale 37 epochs, fading to 0)",  # of the arm
        "fading dropout and decay fall to 0 in the second half of the epochs on",
        "promised by the validation rows 0.712 [0.685, 0.739]",
        "estimated by rows without a say in the choice 0.731 [0.715, 0.747]",
        "optimism of the search: estimated minus promised +0.019 [-0.012, 0.050]",
        "got on the test rows 0.730 [0.699, 0.761]",
        "promised 0.712 [0.685, 0.739] for the choice",  # in the answer
        "Every arm that searches had at most 16 settings to try in each search.",
        "-3.8 [-5.5, -2.1]",
        "+1.1 [-0.2, 2.4]",
        "+4.9 [3.1, 6.7]",
        "< 0.001",
        "0.280",
        "4,772",
        "width times 0.125",
        "batch size 32",
        "10,000",
        "6,000 (60 %)",
        "4 min 7 s",
        "49 trials, 1,834 epochs, as long as 91 single trainings",
        "ab" * 32,
        "0, 1, 2, 3, 4",
        "python 3.11.2, torch 2.13.0",
        "fitwell demo --out run",
        "dropped on the way (10), at the loss it had reached",
        "so the choice need not be the lowest here",
        "Diverged and not drawn: 1.",
    ):
        assert shown in words, shown


def test_every_table_has_a_caption_and_headings_for_rows_and_columns(english: str) -> None:
    elements = Outline(english).elements
    tables = [tag for tag, _ in elements].count("table")
    assert tables == [tag for tag, _ in elements].count("caption") == 11
    scopes = [attributes.get("scope") for tag, attributes in elements if tag == "th"]
    assert set(scopes) == {"col", "row"}


def test_every_drawing_says_its_numbers_in_words(english: str) -> None:
    labels = [
        unescape(attributes["aria-label"] or "")
        for tag, attributes in Outline(english).elements
        if tag == "svg" and attributes["role"] == "img"
    ]
    assert len(labels) == 16  # eight drawings in two widths
    assert "Before: training 99.8 % [99.6, 100.0], test 69.1 % [67.1, 71.1]" in labels[0]
    assert "treatment, refitted +1.1 [-0.2, 2.4]" in labels[2]
    assert labels[4].startswith(
        "Confusion matrix. Rows by right class, columns by predicted class: "
    )
    assert "; After: expected calibration error" in labels[6]
    assert "treatment: kept epoch 21, training 0.706, validation 0.740" in labels[8]
    # The lowest is that of the finished trials: those that were dropped had reached 0.705.
    assert labels[10] == (
        "Path of L1 at the last epoch: validation log-loss 1.741 without it, lowest at 0.001 with"
        " 0.699; the gap closes at 0.001; too much from 0.01 on."
    )
    assert labels[12] == (
        "Search: 15 trials, 10 of them dropped on the way, lowest validation log-loss 0.712,"
        " without regularization 0.745; chosen: L1 2.3e-5, weight_decay 0.012 (timescale 37 epochs,"
        " fading to 0) and dropout 0.42 (fading to 0)"
    )


def test_dropped_trials_are_hollow_and_the_chosen_one_wears_a_ring(english: str) -> None:
    drawing = re.findall(r"<svg role=\"img\" aria-label=\"Search.*?</svg>", english, re.DOTALL)[0]
    counted = [
        len(re.findall(rf"<path [^>]*{look}", drawing))
        for look in (
            'fill="var\\(--seen\\)"',
            'stroke="var\\(--seen\\)"',
            'stroke="var\\(--new\\)"',
        )
    ]
    assert counted == [3 * 5, 3 * 10, 3]  # in each of three drawings


def test_where_nothing_was_dropped_the_legend_does_not_speak_of_it() -> None:
    trials = tuple(t for t in FULL.trials if not t.dropped)
    words = Outline(render_page(replace(FULL, trials=trials), run=RUN)).text
    assert "dropped on the way" not in words
    assert "a trial chosen" in words


def test_no_drawing_keeps_a_stand_in_colour(english: str) -> None:
    assert not re.search(r"#01010\d", english)
    assert 'fill="currentColor"' in english


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_names_from_the_data_are_text_and_never_markup(lang: str) -> None:
    page = render_page(
        with_names(HOSTILE),
        run={**RUN, "command": HOSTILE[0]},
        lang=lang,  # type: ignore[arg-type]
    )
    outline = Outline(page)
    tags = {tag for tag, _ in outline.elements}
    assert tags.isdisjoint({"script", "img"})
    assert [tag for tag, _ in outline.elements].count("h1") == 1
    assert not any(name.startswith("on") for _, found in outline.elements for name in found)
    for name in HOSTILE:
        assert name in outline.text


def test_names_of_arms_are_text_in_tables_and_drawings() -> None:
    name = '" onload="alert(3)" <img src=x onerror=\'alert(4)\'>|'
    arm = replace(ARMS[2], name=name)
    assert FULL.comparison is not None
    comparison = replace(FULL.comparison, arms=(*ARMS[:2], arm, *ARMS[3:]))
    curves = (*CURVES, replace(CURVES[1], arm=name))
    outline = Outline(render_page(replace(FULL, comparison=comparison, curves=curves), run=RUN))
    assert "img" not in {tag for tag, _ in outline.elements}
    assert not any(key.startswith("on") for _, found in outline.elements for key in found)
    assert name in outline.text


def test_korean_names_and_emoji_are_kept(tmp_path: Path) -> None:
    path = write_report(tmp_path, with_names(KOREAN_AND_EMOJI), run=RUN, lang="ko")
    words = Outline(path.read_text(encoding="utf-8")).text
    assert "4: 이탈, 구매 🛒, 장바구니, 둘러보기 👀" in words


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_the_page_is_one_small_file_in_its_language_that_fetches_nothing(lang: str) -> None:
    page = render_page(FULL, run=RUN, lang=lang)  # type: ignore[arg-type]
    assert len(page.encode()) < 500_000
    assert f'<html lang="{lang}">' in page
    assert not re.search(r"https?://|@import|url\((?!#)|src=", page)


class Recording(dict[str, str]):
    """A dictionary that writes down what it was asked for in vain."""

    def __init__(self, known: dict[str, str]) -> None:
        super().__init__(known)
        self.missing: set[str] = set()

    def __contains__(self, key: object) -> bool:
        found = super().__contains__(key)
        if not found:
            self.missing.add(str(key))
        return found


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> Recording:
    recording = Recording(language.KOREAN)
    monkeypatch.setattr(language, "KOREAN", recording)
    return recording


def bare(result: Result) -> Result:
    """Leave out what takes long to draw."""
    return replace(result, curves=(), trials=(), path=None)


def _variants() -> dict[str, Result]:
    """Give results that between them use every sentence of the page."""
    assert FULL.regularization is not None
    kept = replace(
        FULL.regularization, kept_untreated=True, batch_norm=True, estimated_log_loss=None
    )
    high = replace(ARMS[4].test, accuracy=Interval(value=0.9, low=0.8, high=1.0))
    return {
        "full": FULL,
        "binary": bare(BINARY),
        "many": bare(MANY),
        "of many layers": replace(bare(BAGGED), layers=50 * LAYERS[:1]),
        "tied": replace(bare(BINARY), evaluations=(TIED, TIED)),
        "before detail": replace(bare(FULL), evaluations=(), layers=()),
        "diagnosed": DIAGNOSED,
        "kept": replace(FULL, regularization=kept, curves=(), trials=()),
        "finished": replace(FULL, trials=tuple(t for t in FULL.trials if not t.dropped)),
        "bag": BAGGED,
        "bag of nothing chosen": replace(BAGGED, regularization=kept),
        "greedy": WEIGHTED,
        "rival": with_arm(replace(FULL, curves=(), trials=()), replace(ARMS[4], test=high)),
    }


@pytest.mark.parametrize(
    ("name", "weights"),
    [
        ("full", "none"),
        ("binary", "none"),
        pytest.param("many", "none", marks=pytest.mark.slow),
        pytest.param("of many layers", "none", marks=pytest.mark.slow),
        pytest.param("tied", "none", marks=pytest.mark.slow),
        ("before detail", "none"),
        ("diagnosed", "none"),
        ("kept", "balanced"),
        pytest.param("finished", "balanced", marks=pytest.mark.slow),
        ("bag", "none"),
        pytest.param("bag of nothing chosen", "none", marks=pytest.mark.slow),
        ("greedy", "none"),
        pytest.param("rival", "none", marks=pytest.mark.slow),
    ],
)
def test_the_korean_page_lacks_no_word(name: str, weights: str, recorded: Recording) -> None:
    render_page(_variants()[name], run={"options": {"class_weights": weights}}, lang="ko")
    notes = {*FULL.notes, *FULL.data.notes}  # these are matched as patterns
    names = {"L1", "AUC"}  # the same in both languages
    assert recorded.missing - notes - names == set()


@pytest.mark.parametrize(
    "note",
    [
        "No setting beat the plain one, so nothing is changed in: {}.",
        "Folds on which the untreated network diverged have no say: lower the learning rate."
        " Searches: {}.",
        "The time budget ended the search early: {}.",
        "The search was stopped, and the best so far is taken without further folds: {}.",
    ],
)
def test_arms_in_a_korean_note_have_their_korean_names(note: str) -> None:
    korean = language.translate(note.format("treatment with batch norm, my own"), "ko")
    assert "정규화와 배치 정규화 적용, my own" in korean
    assert not re.search("[a-z]", korean.replace("my own", ""))


def test_every_placeholder_of_a_korean_sentence_is_filled_from_the_english_call() -> None:
    given = {"signed", "signed_bounds"}  # handed to both, used by the Korean sentence alone
    for english, korean in language.KOREAN.items():
        names = set(re.findall(r"\{(\w+)\}", korean))
        assert names - given <= set(re.findall(r"\{(\w+)\}", english)), english


def test_the_page_lists_the_networks_of_a_mean_with_weights_cuts_and_settings() -> None:
    english = render_page(BAGGED, run=RUN)
    assert "The saved model is the weighted mean of these networks" in english
    assert english.count("<bdi>25.0\xa0%</bdi>") == 4
    assert "all but the test rows and fold 3" in english
    assert "one was stopped by it" in english
    weighted = render_page(WEIGHTED, run=RUN)
    assert "<bdi>12.5\xa0%</bdi>" in weighted
    assert "none but stopping early" in weighted
    assert "they make no promise for the mean" in weighted
    assert "these networks" not in render_page(FULL, run=RUN)


def test_weighted_finalists_are_not_called_unregularized_where_the_guard_kept_the_plain() -> None:
    assert FULL.regularization is not None
    kept = replace(FULL.regularization, kept_untreated=True)
    nothing = "so nothing is regularized"
    assert nothing not in render_page(replace(WEIGHTED, regularization=kept), run=RUN)
    assert nothing in render_page(replace(BAGGED, regularization=kept), run=RUN)


def test_a_diagnosis_alone_has_no_empty_sections() -> None:
    ids = Outline(render_page(DIAGNOSED, run=RUN)).ids()
    assert {"before-after", "facts", "diagnosis", "method"} <= set(ids)
    assert {"tuned", "comparison", "search"}.isdisjoint(ids)


def test_options_that_are_off_or_left_to_fitwell_are_not_listed() -> None:
    options = {"resamples": -1, "seeds": 0, "bag": False, "l1": None, "epochs": 60, "seed": 0}
    words = Outline(render_page(DIAGNOSED, run={"options": options})).text
    assert "epochs 60, seed 0" in words
    assert not re.search("resamples|seeds 0|bag|l1", words)


def test_a_run_of_which_nothing_is_known_still_gives_a_page() -> None:
    words = Outline(render_page(DIAGNOSED, run={"options": None, "versions": 3})).text
    assert "Seed of split" not in words
    assert "ab" * 32 in words  # the result knows the fingerprint too


def test_weighted_validation_losses_are_not_held_against_test_losses() -> None:
    words = Outline(render_page(FULL, run={"options": {"class_weights": "balanced"}})).text
    assert "got on the test rows" not in words
    assert "estimated by rows without a say in the choice 0.731 [0.715, 0.747]" in words
    assert "These losses are weighted by class" in words


def test_without_folds_the_page_says_that_the_optimism_is_not_known() -> None:
    assert FULL.regularization is not None
    alone = replace(FULL, regularization=replace(FULL.regularization, estimated_log_loss=None))
    words = Outline(render_page(alone, run=RUN)).text
    assert "How much was not estimated" in words
    assert "estimated minus promised" not in words
    assert "promised by the validation rows 0.712 [0.685, 0.739] got on the test rows" in words


def test_coupled_l2_has_a_row_only_where_it_is_on() -> None:
    assert FULL.regularization is not None
    coupled = replace(FULL, regularization=replace(FULL.regularization, l2=0.003))
    assert "λ₂ (L2) 0.003" in Outline(render_page(coupled, run=RUN)).text
    assert "λ₂ (L2)" not in Outline(render_page(FULL, run=RUN)).text


def test_what_cannot_be_drawn_or_is_infinite_does_not_stop_the_page() -> None:
    endless = replace(ARMS[2], low=float("-inf"), high=float("inf"))
    curves = (replace(CURVES[0], train_log_loss=(), validation_log_loss=()),)
    result = with_arm(replace(FULL, trials=FULL.trials[:1], curves=curves), endless)
    outline = Outline(render_page(result, run=RUN))
    assert {"search", "curves"}.isdisjoint(outline.ids())
    assert "-0.2 [?, ?]" in outline.text


def test_the_file_is_written_whole_under_its_name_and_nothing_else_is_left(tmp_path: Path) -> None:
    path = write_report(tmp_path, DIAGNOSED, run=RUN, lang="en")
    assert [path] == list(tmp_path.iterdir()) == [tmp_path / "report.html"]
    assert path.read_text(encoding="utf-8") == render_page(DIAGNOSED, run=RUN)


def test_a_write_that_fails_leaves_the_former_page_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "report.html"
    path.write_text("the former page")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(InputError, match=r"report\.html cannot be written: No space left"):
        write_report(tmp_path, DIAGNOSED, run=RUN, lang="en")
    assert path.read_text() == "the former page"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        write_report(tmp_path / "no", DIAGNOSED, run=RUN, lang="en")
    assert str(caught.value) == (
        f"{tmp_path / 'no' / 'report.html'} cannot be written: No such file or directory."
        " Choose a folder that can be."
    )


def test_another_language_is_refused() -> None:
    with pytest.raises(InputError) as caught:
        render_page(DIAGNOSED, run=RUN, lang="de")  # type: ignore[arg-type]
    assert str(caught.value) == "--lang is 'de', but en or ko is expected."


def test_a_missing_part_for_drawing_is_named_with_the_way_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "altair", None)
    with pytest.raises(InputError, match=r"needs altair, .* pip install 'fitwell\[report\]'"):
        render_page(DIAGNOSED, run=RUN)


@pytest.mark.parametrize(
    ("lang", "told"),
    [
        (
            "en",
            (
                "Every arm on 5 resamples and on the same 2,000 test rows",
                "split anew 5 times, into 6,400 rows to tune and train on and 1,600 rows to judge",
                "a true gain of 2.4 points would be shown 8 times of 10, if two networks disagree on",
                "tuned and trained anew on 5 resamples it reads 4.9 points [3.1, 6.7] more",
                "1.9 points [0.3, 3.5] more than stopping it early: better than early stopping. The",
                "What every arm costs",
            ),
        ),
        (
            "ko",
            (
                "재표본 5회와 동일한 테스트 행 2,000개에서 비교한 모든 방법",
                "5회 다시 나누어 6,400개 행으로 튜닝·학습하고 1,600개 행으로 평가",
                "실제 향상이 2.4%p일 때 10번 중 8번은 확인할 수 있습니다",
                "+1.9%p [0.3, 3.5]). 조기 종료보다 더 좋습니다. 다만 둘을",
                "방법별 비용",
            ),
        ),
    ],
)
def test_a_comparison_over_resamples_says_how_it_was_decided(lang, told):
    words = Outline(render_page(RESAMPLED, run=RUN, lang=lang)).text.replace("\xa0", " ")
    for text in told:
        assert text in words
    # Without resamples it does not speak of them.
    assert told[0] not in Outline(render_page(FULL, run=RUN, lang=lang)).text.replace("\xa0", " ")


def test_a_second_look_at_the_test_part_is_told_on_top():
    once = {**RUN, "test_openings": ["tune, 2026-01-01"], "opened_elsewhere": []}
    twice = {**RUN, "test_openings": ["tune, 2026-01-01", "compare, 2026-01-02"]}
    beside = {**once, "opened_elsewhere": ["other", "third"]}
    head = [
        Outline(render_page(FULL, run=run)).text.split("Before and after")[0]
        for run in (once, twice, beside)
    ]
    assert "test part was opened" not in head[0]
    assert "The test part was opened 2 times in this folder. What" in head[1]
    assert "The runs beside this one opened the same test part: other, third. What" in head[2]
