"""Answers and charts in notebooks: markup, files, errors of one line."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

import fitwell
from fitwell.errors import InputError
from fitwell.report.figures import DRAWN
from fitwell.report.notebook import plot, summary
from fitwell.runs.api import Answer
from outline import Outline
from results_made import BINARY, DIAGNOSED, FULL, HOSTILE, with_names


def test_the_summary_says_answer_chart_and_arms() -> None:
    outline = Outline(summary(FULL))
    for shown in (
        "Severe overfitting",
        "99.8 % [99.6, 100.0]",
        "+1.1 [-0.2, 2.4]",
        "smaller network",
    ):
        assert shown in outline.text
    tags = [tag for tag, _ in outline.elements]
    assert (tags.count("svg"), tags.count("table")) == (1, 1)
    assert "script" not in tags
    assert len(summary(FULL)) < 40_000


def test_the_summary_of_a_diagnosis_shows_the_gap() -> None:
    outline = Outline(summary(DIAGNOSED, lang="ko"))
    assert "30.7" in outline.text
    assert "격차" in outline.text
    assert "Accuracy on" not in outline.text


def test_the_summary_is_there_without_the_parts_for_drawing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("fitwell.report.notebook.missing_parts", lambda: ("altair",))
    outline = Outline(summary(FULL))
    assert "svg" not in {tag for tag, _ in outline.elements}
    assert "Severe overfitting" in outline.text


def test_styles_reach_nothing_outside() -> None:
    style = re.search(r"<style>(.*?)</style>", summary(DIAGNOSED), re.DOTALL)
    assert style is not None
    for selectors in re.findall(r"([^{}]+)\{", style[1]):
        assert all(".fitwell" in selector for selector in selectors.split(",")), selectors


def test_names_from_the_data_are_no_markup() -> None:
    outline = Outline(
        summary(with_names(HOSTILE)) + plot(with_names(HOSTILE), "confusion")._repr_html_()
    )
    assert {"script", "img", "h1"}.isdisjoint({tag for tag, _ in outline.elements})


@pytest.mark.parametrize("kind", DRAWN)
def test_every_chart_of_the_report_can_be_had_alone(kind: str, tmp_path: Path) -> None:
    made = plot(BINARY, kind)
    assert made._repr_svg_().startswith("<svg xmlns=")
    assert "svg" in {tag for tag, _ in Outline(made._repr_html_()).elements}
    path = made.save(tmp_path / f"{kind}.svg")
    assert path.read_text("utf-8") == made._repr_svg_()


def test_a_chart_is_saved_as_png(tmp_path: Path) -> None:
    path = plot(FULL).save(str(tmp_path / "gap.PNG"))
    assert path.read_bytes().startswith(b"\x89PNG")
    assert [path] == list(tmp_path.iterdir())


def test_another_ending_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        plot(DIAGNOSED).save("gap.pdf")
    assert str(caught.value) == (
        "path is 'gap.pdf', but a name that ends in .svg or .png is expected."
    )


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        plot(DIAGNOSED).save(tmp_path / "no" / "gap.svg")
    assert str(caught.value) == (
        f"{tmp_path / 'no' / 'gap.svg'} cannot be written: No such file or directory."
        " Choose a folder that can be."
    )


def test_an_unknown_kind_is_refused_with_the_near_one() -> None:
    with pytest.raises(InputError) as caught:
        plot(FULL, "forrest")
    assert str(caught.value) == (
        "kind is 'forrest', but one of gap, forest, confusion, calibration, roc, costs, curves,"
        " path, search, layers is expected. Did you mean forest?"
    )
    with pytest.raises(InputError, match="Choose one of these"):
        plot(FULL, "pie")


def test_a_chart_that_the_answer_lacks_is_refused_with_those_it_has() -> None:
    with pytest.raises(InputError) as caught:
        plot(replace(DIAGNOSED, path=None, curves=()), "forest")
    assert str(caught.value) == (
        "kind is 'forest', but this answer has nothing to draw for it: it needs a comparison of"
        " arms, which diagnose does not make. It has gap, confusion, calibration, layers."
    )


def test_another_language_is_refused() -> None:
    with pytest.raises(InputError) as caught:
        plot(FULL, lang="de")
    assert str(caught.value) == "lang is 'de', but en or ko is expected."


def test_an_answer_shows_itself_and_draws_its_charts() -> None:
    found = Answer(FULL, None)  # type: ignore[arg-type]  # nothing here asks for the model
    assert found._repr_html_() == summary(FULL)
    assert found.plot("layers", lang="ko") == plot(FULL, "layers", lang="ko")
    assert found.plot().kind == "gap"
    assert fitwell.InputError is InputError
