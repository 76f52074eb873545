"""The page in a real browser: silent, offline, and as wide as the screen."""

import re
import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from fitwell.report.notebook import summary
from fitwell.report.page import write_report
from fitwell.results import Result
from results_made import BAGGED, BINARY, DIAGNOSED, FULL, HOSTILE, RESAMPLED, RUN, with_names

CHROMIUM = shutil.which("chromium")
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
PAGES: dict[str, tuple[Result, Any]] = {
    "full": (RESAMPLED, "en"),
    "plain": (FULL, "en"),
    "korean": (RESAMPLED, "ko"),
    "diagnosed": (DIAGNOSED, "en"),
    "diagnosed in Korean": (DIAGNOSED, "ko"),
    "tuned": (BAGGED, "en"),
    "binary": (BINARY, "en"),
    "binary in Korean": (BINARY, "ko"),
    "hostile": (with_names((*HOSTILE, "long" * 60)), "en"),
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    if CHROMIUM is None:
        pytest.skip("chromium is not installed")
    driver = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with driver.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Any:
    @cache
    def write(name: str) -> Path:
        result, lang = PAGES[name]
        return write_report(tmp_path_factory.mktemp("page"), result, run=RUN, lang=lang)

    return write


@pytest.fixture
def opened(browser: Any, written: Any) -> Iterator[Any]:
    contexts = []

    def open_page(name: str, width: int, scheme: str = "light") -> tuple[Any, list[str]]:
        context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
        contexts.append(context)
        page = context.new_page()
        complaints: list[str] = []
        page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: complaints.append("a dialog") or dialog.dismiss())
        page.on("request", lambda r: complaints.append(r.url) if foreign(r.url) else None)
        page.goto(written(name).as_uri())
        return page, complaints

    yield open_page
    for context in contexts:
        context.close()


def foreign(address: str) -> bool:
    return not address.startswith(("file://", "data:"))


@pytest.mark.parametrize(
    "name",
    [
        name
        if name in ("full", "binary in Korean", "diagnosed", "hostile")
        else pytest.param(name, marks=pytest.mark.slow)
        for name in PAGES
    ],
)
def test_the_page_is_silent_offline_and_never_scrolls_sideways(name: str, opened: Any) -> None:
    for width in (360, 768, 1280):
        page, complaints = opened(name, width)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert complaints == []


BROKEN = """() => {
  document.querySelectorAll("details").forEach(d => d.open = true);
  const broken = [], range = document.createRange();
  for (const cell of document.querySelectorAll("th, td")) {
    const walker = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      for (const word of walker.currentNode.data.matchAll(/[^\\s\\-,×(]+/g)) {
        range.setStart(walker.currentNode, word.index);
        range.setEnd(walker.currentNode, word.index + word[0].length);
        if (new Set([...range.getClientRects()].map(r => r.top)).size > 1) broken.push(word[0]);
      }
    }
  }
  return broken;
}"""


@pytest.mark.parametrize("name", ["full", pytest.param("binary in Korean", marks=pytest.mark.slow)])
def test_no_word_of_a_table_is_broken(name: str, opened: Any) -> None:
    for width in (360, 720, 1024):
        page, _ = opened(name, width)
        assert page.evaluate(BROKEN) == [], width
        assert page.evaluate("document.documentElement.scrollWidth") == width


def test_a_notebook_that_sets_tables_flush_right_leaves_words_alone(browser: Any) -> None:
    theirs = ", ".join(f":not(.markdown).output {tag}" for tag in ("td", "th", "tr"))
    page = browser.new_page()
    page.set_content(
        f"<style>{theirs} {{ text-align: right; background: #eee }}</style>"
        f'<div class="output">{summary(FULL)}</div>'
    )
    cells = page.locator("tbody tr").nth(1).locator("th, td").all()
    said = [cell.evaluate("c => getComputedStyle(c).textAlign") for cell in cells]
    assert said == ["left", "right", "right", "right", "left"]
    row = page.locator("tbody tr").nth(1).evaluate("r => getComputedStyle(r).backgroundColor")
    assert row == "rgba(0, 0, 0, 0)"
    page.close()


def test_the_phone_sees_narrow_drawings_and_the_desk_wide_ones(opened: Any) -> None:
    shown = "[...document.querySelectorAll('figure svg')].filter(s => s.clientWidth > 0).length"
    for width, kind in ((360, "narrow"), (1280, "wide")):
        page, _ = opened("full", width)
        assert page.evaluate(shown) == 8
        assert page.locator(f"figure .{kind}").first.is_visible()


def test_the_dark_theme_turns_paper_ink_and_the_words_in_drawings(opened: Any) -> None:
    found = {}
    for scheme in ("light", "dark"):
        page, _ = opened("full", 1280, scheme)
        found[scheme] = page.evaluate(
            "[getComputedStyle(document.body).backgroundColor,"
            " getComputedStyle(document.body).color,"
            " getComputedStyle(document.querySelector('svg text[fill=currentColor]')).fill,"
            " getComputedStyle(document.querySelector('svg text[fill*=muted]')).fill]"
        )
    light, dark = found["light"], found["dark"]
    assert light[1] == light[2]
    assert dark[1] == dark[2]
    assert all(one != other for one, other in zip(light, dark, strict=True))


def test_paper_is_white_even_where_the_screen_is_dark(opened: Any) -> None:
    page, _ = opened("full", 1280, "dark")
    page.emulate_media(media="print")
    colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert colour == "rgb(255, 255, 255)"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    "name",
    [
        name if name in ("full", "binary in Korean") else pytest.param(name, marks=pytest.mark.slow)
        for name in PAGES
        if name != "hostile"
    ],
)
def test_axe_finds_no_serious_fault(name: str, scheme: str, opened: Any) -> None:
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed"
    )
    page, complaints = opened(name, 1280, scheme)
    page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    found = axe.Axe().run(page).response["violations"]
    serious = [v for v in found if v["impact"] in ("serious", "critical")]
    assert [(v["id"], v["nodes"][0]["html"][:200]) for v in serious] == []
    assert complaints == []


def test_axe_would_find_a_fault(opened: Any) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    page, _ = opened("diagnosed", 1280)
    page.evaluate("document.querySelector('.note').style.color = '#ccc'")
    page.evaluate("document.querySelector('svg').removeAttribute('aria-label')")
    found = {v["id"] for v in axe.Axe().run(page).response["violations"]}
    assert {"color-contrast", "svg-img-alt"} <= found


@pytest.mark.parametrize("width", [360, 1280])
def test_whatever_is_pointed_at_says_its_numbers_within_the_screen(width: int, opened: Any) -> None:
    page, complaints = opened("binary", width)
    spots = page.locator(".spot:visible")
    said = set()
    for place in range(0, spots.count(), 7):
        spot = spots.nth(place)
        spot.dispatch_event("mouseover")
        spot.evaluate("s => { s.tabIndex = 0; s.focus(); }")
        shown = spot.evaluate(
            "s => { const t = getComputedStyle(s, '::after'); return [t.content, t.display]; }"
        )
        assert shown[1] == "block"
        said.add(shown[0])
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert all(re.search(r"\d", words) for words in said)
    assert len(said) > 20
    assert complaints == []


def test_the_pointer_shows_what_a_point_says_and_hides_it_again(opened: Any) -> None:
    page, _ = opened("full", 1280)
    spot = page.locator(".spot[aria-label^='treatment, compacted +0.7']:visible")
    content = "s => getComputedStyle(s, '::after').content"
    assert spot.evaluate(content) == "none"
    spot.hover()
    assert "no difference shown" in spot.evaluate(content)
    page.mouse.move(0, 0)
    assert spot.evaluate(content) == "none"


def test_the_tab_key_reaches_points_in_few_steps_and_shows_where_it_is(opened: Any) -> None:
    page, _ = opened("full", 1280)
    stops = []
    for _ in range(150):
        page.keyboard.press("Tab")
        stops.append(page.evaluate("document.activeElement.getAttribute('aria-label')"))
        if stops[-1] and stops[-1].startswith("body.6.weight"):
            break
    assert stops[0].startswith("Before, training 99.8")
    assert any(stop and stop.startswith("smaller network +0.6") for stop in stops)
    assert len(stops) < 90  # not the curves' epochs, not the trials
    width = page.evaluate("getComputedStyle(document.activeElement).outlineWidth")
    assert width == "2px"


def test_a_point_lies_where_its_drawing_has_it(opened: Any) -> None:
    page, _ = opened("plain", 1280)
    spot = page.locator(".spot[aria-label^='treatment, refitted +1.1']:visible").bounding_box()
    mark = page.locator("#comparison ~ figure .wide svg path[stroke-width='2'][fill]").last
    drawn = mark.bounding_box()
    for low, size in (("x", "width"), ("y", "height")):
        assert spot[low] + spot[size] / 2 == pytest.approx(drawn[low] + drawn[size] / 2, abs=1.5)


@pytest.mark.parametrize("name", ["binary", "binary in Korean"])
def test_the_page_can_be_printed_and_paper_shows_no_screen_hints(name: str, opened: Any) -> None:
    page, complaints = opened(name, 1280, "dark")
    printed = page.pdf(format="A4")
    assert printed.startswith(b"%PDF")
    assert 4 <= len(re.findall(rb"/Type /Page\b", printed)) <= 16
    page.emulate_media(media="print")
    assert page.locator(".spot:visible").count() == 0
    assert page.locator(".screen:visible").count() == 0
    assert complaints == []
