"""One number, four places: page, Markdown, terminal and result.json say the same."""

import json
import re
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from fitwell.report.files import write_files
from fitwell.results import Result
from fitwell.shell import show
from fitwell.storage import result_to_dict, to_json
from results_made import ARM_NAMES, RESAMPLED, RUN
from results_made import BINARY as PLAIN

BINARY = replace(PLAIN, comparison=RESAMPLED.comparison)


class Tables(HTMLParser):
    """The tables of a page: rows of cells, each a list of its numbers."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.inside = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
            self.inside = True
        if tag == "small" and self.inside:
            self.rows[-1][-1] += "\n"

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self.inside = False

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.rows[-1][-1] += data


def plain(text: str) -> str:
    return text.replace("\xa0", " ").replace("−", "-").strip()


def numbers(text: str) -> list[float]:
    """All numbers of a text, a percent sign and digits' commas left out."""
    found = re.findall(r"(?<![\w.])[+-]?\d[\d,]*(?:\.\d+)?(?:e-?\d+)?", plain(text))
    return [float(number.replace(",", "")) for number in found]


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("run")
    page, markdown, _ = write_files(folder, BINARY, run=RUN)
    rows = [[plain(cell) for cell in row] for row in Tables(page.read_text("utf-8")).rows]
    lines = [line for line in markdown.read_text("utf-8").splitlines() if line.startswith("| ")]
    cells = [
        [plain(unescape(cell).replace("<br>", "\n")) for cell in line.strip("|").split("|")]
        for line in lines
    ]
    return {"page": rows, "markdown": cells, "json": json.loads(to_json(result_to_dict(BINARY)))}


@pytest.fixture
def terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("COLUMNS", "200")
    show(BINARY, Path("run"))
    return capsys.readouterr().out


def rows_of(rows: list[list[str]], first: str, columns: int) -> list[list[str]]:
    return [r for r in rows if r[0].split("\n")[0] == first and len(r) == columns]


def row(rows: list[list[str]], first: str, columns: int) -> list[str]:
    found = rows_of(rows, first, columns)
    assert len(found) == 1, (first, [r[0] for r in rows])
    return found[0]


def in_points(interval: dict[str, float]) -> list[float]:
    return [round(100 * interval[key], 1) for key in ("value", "low", "high")]


def losses(interval: dict[str, float]) -> list[float]:
    return [round(interval[key], 3) for key in ("value", "low", "high")]


def one(value: float) -> float:
    return 0.001 if value < 0.001 else round(value, 3)


@pytest.mark.parametrize("place", ["page", "markdown"])
@pytest.mark.parametrize("name", ARM_NAMES)
def test_an_arm_has_the_numbers_of_result_json(
    name: str, place: str, places: dict[str, Any]
) -> None:
    arm = next(a for a in places["json"]["comparison"]["arms"] if a["name"] == name)
    found, costs = rows_of(places[place], name, 8)
    assert numbers(found[1]) == in_points(arm["test"]["accuracy"])
    baseline = name == "early stopping"
    change = [round(100 * arm[key], 1) for key in ("difference", "low", "high")]
    assert numbers(found[2]) == ([] if baseline else change)
    over = {d["baseline"]: d["accuracy"] for d in arm["resampled"]}
    assert numbers(found[3]) == (in_points(over["untreated"]) if name != "untreated" else [])
    assert numbers(found[4]) == ([] if baseline else [one(arm["p_adjusted"])])
    assert found[5] == arm["verdict"]
    on_test = {d["baseline"]: d["accuracy"] for d in arm["against"]}
    assert numbers(found[6]) == ([] if baseline else in_points(on_test["early stopping"]))
    assert numbers(found[7]) == ([] if baseline else [one(arm["mcnemar_p"])])
    assert numbers(costs[1]) == ([arm["trials"]] if arm["trials"] else [])
    assert numbers(costs[2]) == ([arm["search_seconds"]] if arm["search_seconds"] else [])
    assert numbers(costs[3]) == [arm["seconds"]]
    assert numbers(costs[4]) == [arm["trainings"]]
    assert numbers(costs[5]) == [arm["parameters"]]
    assert numbers(costs[6]) == [arm["nonzero"]]
    asked = [1e6 * arm["inference_seconds"][key] for key in ("value", "low", "high")]
    assert numbers(costs[7]) == [float(f"{of_a_row:.2g}") for of_a_row in asked]


@pytest.mark.parametrize("name", ARM_NAMES)
def test_the_terminal_has_them_too(name: str, places: dict[str, Any], terminal: str) -> None:
    arm = next(a for a in places["json"]["comparison"]["arms"] if a["name"] == name)
    table = terminal[terminal.index("\narm ") :]
    line = next(x for x in table.splitlines() if x.startswith(f"{name} "))
    found = numbers(line.removeprefix(name))
    change = [round(100 * arm[key], 1) for key in ("difference", "low", "high")]
    p = [one(arm["p_adjusted"])]
    baseline = name == "early stopping"
    assert found[:-1] == in_points(arm["test"]["accuracy"]) + ([] if baseline else change + p)
    assert arm["verdict"] in line


@pytest.mark.parametrize("rival", ["more shuffling", "larger training share", "smaller network"])
def test_a_contest_has_the_numbers_of_result_json(
    rival: str, places: dict[str, Any], terminal: str
) -> None:
    contest = next(c for c in places["json"]["comparison"]["contests"] if c["rival"] == rival)
    gain = in_points(contest["accuracy"])
    for place in ("page", "markdown"):
        found = row(places[place], rival, 5)
        assert [numbers(cell) for cell in found[1:4]] == [
            gain,
            losses(contest["log_loss"]),
            [one(contest["p_adjusted"])],
        ]
        assert found[4] == contest["verdict"]
    table = terminal[terminal.index("treatment against") :]
    line = next(x for x in table.splitlines() if x.startswith(f"{rival} "))
    assert numbers(line.removeprefix(rival)) == gain
    assert line.strip().endswith(contest["verdict"])


@pytest.mark.parametrize("place", ["page", "markdown"])
@pytest.mark.parametrize(("label", "key"), [("Before", "before"), ("After", "after")])
def test_a_state_has_the_numbers_of_result_json(
    label: str, key: str, place: str, places: dict[str, Any], terminal: str
) -> None:
    state = places["json"][key]
    found = row(places[place], label, 8)
    wanted = [
        in_points(state["train"]["accuracy"]),
        in_points(state["test"]["accuracy"]),
        in_points(state["gap"]),
        in_points(state["test"]["balanced_accuracy"]),
        losses(state["train"]["log_loss"]),
        losses(state["test"]["log_loss"]),
        losses(state["gap_log_loss"]),
    ]
    assert [numbers(cell) for cell in found[1:]] == wanted
    line = next(x for x in terminal.splitlines() if x.startswith(f"{key}: "))
    assert numbers(line) == wanted[0] + wanted[1] + wanted[2]


@pytest.mark.parametrize("place", ["page", "markdown"])
def test_the_strengths_are_those_of_result_json(place: str, places: dict[str, Any]) -> None:
    chosen = places["json"]["regularization"]
    rows = places[place]
    assert numbers(row(rows, "λ₁ (L1)", 2)[1]) == [float(f"{chosen['l1']:.2g}")]
    assert numbers(row(rows, "dropout", 2)[1]) == [round(chosen["dropout"], 2)]
    decay = numbers(row(rows, "decoupled L2", 2)[1])
    assert decay == [round(chosen["weight_decay"], 3), round(chosen["decay_epochs"])]
    assert numbers(row(rows, "exact zeros", 2)[1]) == [round(100 * chosen["zeros"], 1)]
    promised = numbers(row(rows, "promised by the validation rows", 2)[1])
    assert promised == losses(chosen["promised_log_loss"])


@pytest.mark.parametrize("place", ["page", "markdown"])
def test_the_details_of_the_test_rows_are_those_of_result_json(
    place: str, places: dict[str, Any]
) -> None:
    before, after = places["json"]["evaluations"]
    rows = places[place]
    for number, name in enumerate(("bad", "good")):
        found, former = after["classes"][number], before["classes"][number]
        assert [numbers(cell) for cell in row(rows, name, 6)[1:]] == [
            [found["rows"]],
            in_points(found["recall"]),
            in_points(former["recall"]),
            in_points(found["precision"]),
            losses(found["f1"]),
        ]
    both = [before["ranking"], after["ranking"]]
    auc, gini = row(rows, "AUC", 3), row(rows, "Gini, 2 · AUC - 1", 3)
    assert [numbers(cell) for cell in auc[1:]] == [losses(r["auc"]) for r in both]
    assert [numbers(cell) for cell in gini[1:]] == [losses(r["gini"]) for r in both]
    ks = row(rows, "KS, largest difference of both rates", 3)
    assert [numbers(cell)[:3] for cell in ks[1:]] == [losses(r["ks"]) for r in both]
    for asked, place_ in (("90 %", 0), ("95 %", 1)):
        cells = row(rows, f"sensitivity at specificity {asked}", 3)[1:]
        points = [r["at_specificity"][place_] for r in both]
        assert [numbers(cell)[:3] for cell in cells] == [
            in_points(p["sensitivity"]) for p in points
        ]
        assert [numbers(cell)[3] for cell in cells] == [round(p["threshold"], 4) for p in points]
    for ratio, former in zip(
        after["ranking"]["costs"]["ratios"], before["ranking"]["costs"]["ratios"], strict=True
    ):
        cells = row(rows, f"{ratio['ratio']:g} : 1", 6)
        assert [numbers(cell) for cell in cells[2:]] == [
            losses(former["cost"]),
            losses(ratio["cost"]),
            [round(ratio["lowest"], 3)],
            [round(ratio["trivial"], 3)],
        ]


@pytest.mark.parametrize("place", ["page", "markdown"])
def test_the_layers_are_those_of_result_json(place: str, places: dict[str, Any]) -> None:
    for layer in places["json"]["layers"]:
        found = row(places[place], layer["name"], 6)
        assert [numbers(cell) for cell in found[1:]] == [
            layer["shape"],
            [layer["weights"]],
            [layer["zeros"]],
            [round(100 * layer["zeros"] / layer["weights"], 1)],
            [round(layer["norm"], 2)],
        ]


def test_the_answer_is_the_same_on_the_page_in_markdown_and_in_the_terminal(
    tmp_path: Path, terminal: str
) -> None:
    from fitwell.report.text import answer_sentences

    page, markdown, _ = write_files(tmp_path, BINARY, run=RUN)
    texts = [
        plain(re.sub(r"<[^>]+>", "", unescape(page.read_text("utf-8")))),
        plain(markdown.read_text("utf-8")),
        terminal,
    ]
    for sentence in answer_sentences(BINARY):
        for text in texts:
            assert " ".join(sentence.split()) in " ".join(text.split())


def test_a_number_that_is_changed_in_result_json_is_found_out(places: dict[str, Any]) -> None:
    """The comparison itself can fail: a tenth of a point more is another number."""
    arm = places["json"]["comparison"]["arms"][-1]
    shown = numbers(rows_of(places["page"], "treatment, compacted", 8)[0][2])
    assert shown != [round(100 * arm[key] + 0.1, 1) for key in ("difference", "low", "high")]


def test_the_result_is_one_of_every_part() -> None:
    found: Result = BINARY
    assert found.comparison is not None
    assert [a.name for a in found.comparison.arms] == ARM_NAMES
