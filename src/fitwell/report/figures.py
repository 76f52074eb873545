"""All drawings of a result, by name."""

from collections.abc import Callable
from typing import Any

from fitwell.report.calibration_chart import calibration_chart
from fitwell.report.charts import curves_chart, forest_chart, gap_chart
from fitwell.report.confusion_chart import confusion_chart
from fitwell.report.layers_chart import layers_chart
from fitwell.report.path_chart import path_chart
from fitwell.report.ranking_charts import cost_chart, roc_chart
from fitwell.report.search_chart import search_chart
from fitwell.report.svg import Figure
from fitwell.results import Result

DRAWN: dict[str, Callable[[Result, str], Figure | None]] = {
    "gap": gap_chart,
    "forest": forest_chart,
    "confusion": confusion_chart,
    "calibration": calibration_chart,
    "roc": roc_chart,
    "costs": cost_chart,
    "curves": curves_chart,
    "path": path_chart,
    "search": search_chart,
    "layers": layers_chart,
}
"""In the order of the page."""

NEEDS = {
    "forest": "a comparison of arms, which diagnose does not make",
    "confusion": "at most 20 classes",
    "calibration": "a result of this version",
    "roc": "two classes",
    "costs": "two classes",
    "curves": "trainings with epochs",
    "path": "--path l1, l2 or dropout",
    "search": "a search, which diagnose does not make",
    "layers": "a result of this version",
}
"""What a result must have for a drawing that can be missing."""


def draw_all(result: Result, lang: str) -> dict[str, Any]:
    """Make every drawing; None where the result has nothing to draw."""
    return {name: make(result, lang) for name, make in DRAWN.items()}
