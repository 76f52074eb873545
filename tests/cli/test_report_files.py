"""fitwell report: the page, Markdown and charts of a run that is done."""

from pathlib import Path


def test_report_writes_page_markdown_and_charts_and_png_where_asked(fitwell, table, quick):
    options = [*quick[2:4], *quick[6:]]
    done = fitwell("diagnose", table, "--target", "bought", "--out", "run", *options)
    assert done.exit_code == 0, done.stderr
    made = {p.name for p in Path("run/charts").iterdir()}
    assert made == {f"{name}.svg" for name in
                    ("gap", "confusion", "calibration", "roc", "costs", "curves", "layers")}  # fmt: skip
    english = Path("run/report.md").read_text(encoding="utf-8")
    assert english.startswith("# fitwell diagnose: table.csv\n")
    done = fitwell("report", "run", "--lang", "ko", "--png")
    assert done.stdout == "run/report.html\nrun/report.md\nrun/charts\n"
    names = {p.name for p in Path("run/charts").iterdir()}
    assert {p.removesuffix(".png") for p in names if p.endswith(".png")} == {
        p.removesuffix(".svg") for p in made
    }
    assert "혼동 행렬" in Path("run/charts/confusion.svg").read_text(encoding="utf-8")
    fitwell("report", "run")
    assert Path("run/report.md").read_text(encoding="utf-8") == english
    assert [p.name for p in Path("run").glob("**/.*tmp")] == []


def test_report_of_a_folder_that_is_no_run_is_one_line(fitwell):
    done = fitwell("report", "nothing", "--png")
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr == (
        "fitwell: nothing is not a run folder: it has no run.json. Name the folder that was given"
        " to --out.\n"
    )
