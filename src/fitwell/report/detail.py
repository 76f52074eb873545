"""What the page shows of the test rows in detail and of the weights."""

from typing import Any

from fitwell.report.detail_tables import (
    SHOWN,
    calibration_table,
    class_table,
    cost_table,
    layers_table,
    ranking_table,
)
from fitwell.report.evaluated import (
    calibration_sentence,
    classes_sentence,
    ranking_sentence,
)
from fitwell.results import Result


def detail_context(result: Result, lang: str) -> dict[str, Any]:
    """Gather tables and sentences; None and empty where the result lacks them."""
    known = bool(result.evaluations)
    return {
        "classes": class_table(result, lang),
        "calibration": calibration_table(result, lang),
        "ranking": ranking_table(result, lang),
        "costs": cost_table(result, lang),
        "layers": layers_table(result, lang),
        "hidden_classes": max(0, len(result.classes) - SHOWN) if known else 0,
        "hidden_layers": max(0, len(result.layers) - SHOWN),
        "detail": {
            "classes": classes_sentence(result, lang) if known else "",
            "calibration": calibration_sentence(result, lang) if known else "",
            "ranking": ranking_sentence(result, lang) if known else "",
        },
    }
