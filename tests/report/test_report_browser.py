"""The page in a real browser: silent, offline, and as wide as the screen."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fitwell.report.page import write_report
from fitwell.results import Result
from results_made import DIAGNOSED, FULL, HOSTILE, RUN, with_names

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
    "full": (FULL, "en"),
    "korean": (FULL, "ko"),
    "diagnosed": (DIAGNOSED, "en"),
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


@pytest.fixture
def opened(browser: Any, tmp_path: Path) -> Iterator[Any]:
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
        result, lang = PAGES[name]
        if not (tmp_path / "report.html").exists():
            write_report(tmp_path, result, run=RUN, lang=lang)
        page.goto((tmp_path / "report.html").as_uri())
        return page, complaints

    yield open_page
    for context in contexts:
        context.close()


def foreign(address: str) -> bool:
    return not address.startswith(("file://", "data:"))


@pytest.mark.parametrize("name", PAGES)
def test_the_page_is_silent_offline_and_never_scrolls_sideways(name: str, opened: Any) -> None:
    for width in (360, 1280):
        page, complaints = opened(name, width)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert complaints == []


def test_the_phone_sees_narrow_drawings_and_the_desk_wide_ones(opened: Any) -> None:
    shown = "[...document.querySelectorAll('figure svg')].filter(s => s.clientWidth > 0).length"
    for width, kind in ((360, "narrow"), (1280, "wide")):
        page, _ = opened("full", width)
        assert page.evaluate(shown) == 5
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
