"""The report beside the page: Markdown, and charts as files of their own."""

import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from fitwell.errors import InputError
from fitwell.report.files import write_files
from fitwell.report.markdown import cell, code, inline
from fitwell.results import Result
from results_made import BINARY, DIAGNOSED, FULL, HOSTILE, RUN, with_names

NAMES = {"calibration", "confusion", "curves", "forest", "gap", "layers", "path", "search"}


def small(result: Result) -> Result:
    """Leave out what takes long to draw."""
    return replace(result, curves=(), trials=(), path=None)


def test_a_run_gets_a_page_markdown_and_its_charts(tmp_path: Path) -> None:
    made = write_files(tmp_path, FULL, run=RUN)
    assert made == (tmp_path / "report.html", tmp_path / "report.md", tmp_path / "charts")
    assert {p.name for p in tmp_path.iterdir()} == {"report.html", "report.md", "charts"}
    charts = sorted((tmp_path / "charts").iterdir())
    assert {p.stem for p in charts} == NAMES
    assert {p.suffix for p in charts} == {".svg"}
    links = re.findall(r"!\[.*\]\((.*)\)", (tmp_path / "report.md").read_text("utf-8"))
    assert {tmp_path / link for link in links} == set(charts)


def test_two_classes_have_a_roc_and_a_cost_curve_too(tmp_path: Path) -> None:
    write_files(tmp_path, small(BINARY), run=RUN)
    assert {"roc", "costs"} <= {p.stem for p in (tmp_path / "charts").iterdir()}


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_a_chart_is_a_document_that_stands_alone(tmp_path: Path, lang: str) -> None:
    write_files(tmp_path, small(BINARY), run=RUN, lang=lang)  # type: ignore[arg-type]
    for path in (tmp_path / "charts").iterdir():
        root = ElementTree.fromstring(path.read_text("utf-8"))
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        text = path.read_text("utf-8")
        assert not re.search(r"currentColor|var\(|#01010|\u2063|\u2064", text)
        assert len(root[0].text or "") > 20  # what is drawn in words
        said = [e.text for e in root.iter("{http://www.w3.org/2000/svg}title")]
        assert len(said) > 1  # each mark says its numbers too
        assert bool(re.search("[가-힣]", said[0] or "")) == (lang == "ko")


def test_charts_say_what_their_colours_mean(tmp_path: Path) -> None:
    write_files(tmp_path, small(BINARY), run=RUN)
    words = (tmp_path / "charts" / "roc.svg").read_text("utf-8")
    assert ">ROC curve</text>" in words
    assert ">Before</text>" in words
    assert ">After</text>" in words


def test_png_is_written_where_asked_and_then_kept_up_to_date(tmp_path: Path) -> None:
    result = small(DIAGNOSED)
    write_files(tmp_path, result, run=RUN)
    assert not list((tmp_path / "charts").glob("*.png"))
    write_files(tmp_path, result, run=RUN, png=True)
    path = tmp_path / "charts" / "gap.png"
    english = path.read_bytes()
    assert english.startswith(b"\x89PNG")
    assert int.from_bytes(english[16:20], "big") > 1400  # pixels: two per CSS pixel
    write_files(tmp_path, result, run=RUN, lang="ko")
    assert path.read_bytes() != english


def test_nothing_is_left_where_a_write_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_files(tmp_path, small(DIAGNOSED), run=RUN)
    before = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(InputError, match="cannot be written: No space left on device"):
        write_files(tmp_path, small(FULL), run=RUN)
    assert {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == before


def test_a_file_in_the_place_of_the_charts_is_named(tmp_path: Path) -> None:
    (tmp_path / "charts").write_text("mine")
    with pytest.raises(InputError) as caught:
        write_files(tmp_path, small(DIAGNOSED), run=RUN)
    assert str(caught.value) == (
        f"{tmp_path / 'charts'} cannot be written: File exists. Choose a folder that can be."
    )


def test_markdown_is_korean_where_asked_and_holds_the_same_numbers(tmp_path: Path) -> None:
    tables = {}
    for lang in ("en", "ko"):
        write_files(tmp_path, small(BINARY), run=RUN, lang=lang)  # type: ignore[arg-type]
        text = (tmp_path / "report.md").read_text("utf-8")
        rows = [line for line in text.splitlines() if line.startswith("| ")]
        tables[lang] = [re.findall(r"\d+\.\d+", line) for line in rows]
        assert bool(re.search(r"^## [가-힣 ]+", text, re.MULTILINE)) == (lang == "ko")
    assert tables["en"] == tables["ko"]
    assert len(tables["en"]) > 40


def test_every_table_of_markdown_has_as_many_cells_in_each_row(tmp_path: Path) -> None:
    names = ("a|b", "c\nd", "`e`", "[f](javascript:alert(1))")
    write_files(tmp_path, with_names(names), run={**RUN, "command": "x ``` y"})
    text = (tmp_path / "report.md").read_text("utf-8")
    for block in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        widths = {len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}
        assert len(widths) == 1, block
    assert "](javascript" not in text


def test_names_from_the_data_are_no_markup_in_markdown(tmp_path: Path) -> None:
    write_files(tmp_path, with_names(HOSTILE), run=RUN)
    text = (tmp_path / "report.md").read_text("utf-8").replace("<br>", "")
    assert not re.search(r"<[a-zA-Z/!]", text)
    assert "&lt;script>alert(1)&lt;/script>" in text


def test_what_markdown_would_read_as_a_mark_is_escaped() -> None:
    assert inline("*a* _b_ c_d ~e~") == r"\*a\* \_b\_ c_d \~e\~"
    assert inline("# no heading") == r"\# no heading"
    assert inline("[a]: b") == r"[a]\: b"
    assert inline("[a][b](c)") == r"[a]\[b]\(c)"
    assert cell("a\\|b") == r"a\\\|b"
    assert code("a ``` b") == "````sh\na ``` b\n````"


def test_a_large_result_stays_below_a_megabyte_and_a_half(tmp_path: Path) -> None:
    arms = FULL.comparison.arms if FULL.comparison else ()
    ten = (*arms, *(replace(arms[2], name=f"remedy {n}") for n in range(3)))
    assert FULL.comparison is not None
    trials = tuple(replace(t, number=n) for n, t in enumerate((FULL.trials * 5)[:64]))
    curves = tuple(
        replace(
            c,
            train_log_loss=(c.train_log_loss * 20)[:200],
            validation_log_loss=(c.validation_log_loss * 20)[:200],
        )
        for c in (FULL.curves * 2)[:10]
    )
    curves = tuple(replace(c, arm=a.name) for c, a in zip(curves, ten, strict=True))
    large = replace(
        BINARY,
        comparison=replace(FULL.comparison, arms=ten),
        trials=trials,
        curves=curves,
        layers=FULL.layers * 20,
    )
    page, _, _ = write_files(tmp_path, large, run=RUN, lang="ko")
    assert 300_000 < page.stat().st_size < 1_500_000
