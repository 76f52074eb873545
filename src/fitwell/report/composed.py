"""Charts put on or beside each other, as Vega-Lite has them.

Altair's own compound charts copy all that they hold, data included, each time one is put into
another: a report of 40 small drawings spent two thirds of its time on copies.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

_OF_TOP = ("$schema", "config", "datasets")
"""What only the outermost specification has."""

_SIZE = ("width", "height")


@dataclass(frozen=True, kw_only=True, slots=True)
class Composed:
    """A specification of Vega-Lite, and the data sets that it names."""

    specification: dict[str, Any]
    datasets: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Give the whole specification."""
        return {**self.specification, "datasets": self.datasets}


def layered(*parts: Any, **properties: Any) -> Composed:
    """Put charts on each other, the last in front; ``width`` and ``height`` are the first's.

    Args:
        parts: charts of Altair, or layers.
        properties: of the whole, such as its size or title.
    """
    found = [_composed(part) for part in parts]
    size = {name: size for part in reversed(found) for name, size in _size(part).items()}
    return _joined("layer", found, {**size, **properties})


def beside(*parts: Any, spacing: int) -> Composed:
    """Set charts from left to right."""
    return _placed("hconcat", parts, {"spacing": spacing})


def below(*parts: Any, spacing: int) -> Composed:
    """Set charts from top to bottom."""
    return _placed("vconcat", parts, {"spacing": spacing})


def in_columns(*parts: Any, columns: int, spacing: int) -> Composed:
    """Set charts in lines of so many columns."""
    return _placed("concat", parts, {"columns": columns, "spacing": spacing})


def specification_of(part: Any) -> dict[str, Any]:
    """Give a chart of Altair, or a composed one, as Vega-Lite's specification."""
    return _composed(part).to_dict()


def _placed(key: str, parts: Sequence[Any], properties: dict[str, Any]) -> Composed:
    return _joined(key, [_composed(part) for part in parts], properties)


def _joined(key: str, parts: Sequence[Composed], properties: dict[str, Any]) -> Composed:
    return Composed(
        specification={**properties, key: [part.specification for part in parts]},
        datasets={name: rows for part in parts for name, rows in part.datasets.items()},
    )


def _size(part: Composed) -> dict[str, Any]:
    return {name: part.specification[name] for name in _SIZE if name in part.specification}


def _composed(part: Any) -> Composed:
    if isinstance(part, Composed):
        return part
    # What is drawn is checked by the tests; checking each chart anew takes a third of the time.
    whole = part.to_dict(validate=False)
    return Composed(
        specification={name: value for name, value in whole.items() if name not in _OF_TOP},
        datasets=whole.get("datasets", {}),
    )
