"""Write docs/results.md from finished comparisons: ``python docs/write_results_page.py FOLDER``.

FOLDER holds a run folder for each of `SECTIONS`, under its name. Where one is missing the
page's former section stays. Tables are those of the runs' `report.md`.
"""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PAGE = Path(__file__).with_name("results.md")
HEAD = """\
# Results

`fitwell compare` on the built-in visits, on public tables and on pictures, as it came out. Each
section is one command with the defaults of that day but for what it says; nothing was tuned for
these data. Tables are those of `report.md`. The machine had two cores; times are of a machine that
does other work. Intervals of differences are clustered by row and by resample; a verdict needs the
corrected resampled t-test besides, after Holm, so that an interval may leave out 0 where nothing is
claimed. The costs are a run's: the times hold all its searches and trainings. Each is one run, of
seed 0: another seed splits the rows otherwise, and another kind of processor rounds otherwise,
which moves the numbers a little and can move a verdict that was close: on the visits the smaller
network was called better by an earlier run. `docs/write_results_page.py` writes this page from the
run folders.
"""
BETWEEN = ("", "The treatment against each other action:", "What every arm costs:")


@dataclass(frozen=True)
class Section:
    """One comparison: its heading, its command, on how many cores, and what is to be said."""

    title: str
    command: str
    cores: str = "two cores"
    remark: str = ""


SECTIONS = {
    "visits": Section("visits (synthetic)", "fitwell demo --resamples 10"),
    "online_shoppers": Section(
        "online_shoppers.csv.gz", "fitwell compare online_shoppers.csv.gz --target target"
    ),
    "german_credit": Section(
        "german_credit.csv.gz",
        "fitwell compare german_credit.csv.gz --target target --workers 1",
        "one core",
    ),
    "vehicle": Section(
        "vehicle.csv.gz",
        "fitwell compare vehicle.csv.gz --target target --workers 1",
        "one core",
    ),
    "pneumoniamnist": Section(
        "pneumoniamnist.npz",
        "fitwell compare pneumoniamnist.npz --widths 8,16 --epochs 10 --trials 3 \\\n"
        "    --resamples 5 --seeds 2",
        remark="A small network, few epochs and few trials, so that it ends within half an hour."
        " The test part of these pictures\nis known to differ from the others, on which the"
        " resamples are.",
    ),
}


def tables(report: str) -> list[str]:
    """Give the tables of a report's comparison, without their captions."""
    own = report.split("\n## Comparison\n")[1].split("\n## ")[0]
    return [block for block in own.split("\n\n") if block.startswith("|")]


def section(text: Section, run: Path) -> str:
    """Write one comparison."""
    result = json.loads((run / "result.json").read_text(encoding="utf-8"))
    parts = [
        f"## {text.title}",
        f"```sh\n{text.command}\n```",
        f"{_size(result)}; {result['cost']['seconds'] / 60:.0f} minutes on {text.cores}.\n"
        f"{_before(result)} {_foreseen(result)}",
        text.remark,
    ]
    for words, table in zip(
        BETWEEN, tables((run / "report.md").read_text(encoding="utf-8")), strict=True
    ):
        parts += [words, table.strip()]
    return "\n\n".join(filter(None, parts)) + "\n"


def _size(result: dict[str, Any]) -> str:
    data = result["data"]
    wide = "pixels" if len(data["inputs"]) > 1 else "columns"
    return f"{data['rows']:,} rows, {data['features']:,} {wide}, {len(result['classes'])} classes"


def _before(result: dict[str, Any]) -> str:
    parts = []
    for rows, name in (("train", "training"), ("test", "test")):
        found = result["before"][rows]["accuracy"]
        value, low, high = (100 * found[key] for key in ("value", "low", "high"))
        parts.append(f"{value:.1f} % [{low:.1f}, {high:.1f}] on {name} rows")
    return f"Untreated {', '.join(parts)}."


def _foreseen(result: dict[str, Any]) -> str:
    gain = 100 * result["comparison"]["smallest_gain"]
    return f"Foreseen: a true gain of {gain:.1f} points is shown 8 times of 10."


def page(runs: Path, former: str) -> str:
    """Write the page; sections without a run stay as they were."""
    old = {part.split("\n")[0]: "## " + part for part in former.split("\n## ")[1:]}
    parts = [HEAD]
    for name, text in SECTIONS.items():
        run = runs / name
        there = (run / "result.json").exists()
        parts.append(section(text, run) if there else old[text.title].rstrip("\n") + "\n")
    return "\n".join(parts)


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    PAGE.write_text(page(folder, PAGE.read_text(encoding="utf-8")), encoding="utf-8")
