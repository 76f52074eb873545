"""The constants of a table's encoder as plain data, and back.

Nothing but texts, numbers and lists is stored: no object of a library is built again, so that
no file can make one do what it should not, and a server need not load scikit-learn. A float64
is written with the digits that give the same bits again.
"""

from typing import Any

from fitwell.data.constants import Category, Constants, Number


def to_plain(constants: Constants) -> dict[str, Any]:
    """Give what JSON can hold."""
    return {
        "numbers": [[n.key, n.center, n.scale, n.fill] for n in constants.numbers],
        "flags": list(constants.flags),
        "categories": [[c.key, list(c.alone), c.others] for c in constants.categories],
    }


def from_plain(about: Any) -> Constants:
    """Read what `to_plain` gave.

    Raises:
        ValueError: it is something else.
    """
    numbers, flags, categories = (_list(about, name) for name in ("numbers", "flags", "categories"))
    return Constants(
        tuple(Number(*_entry(entry, "numbers", 4)) for entry in numbers),
        tuple(_texts(flags, "flags")),
        tuple(
            Category(key, tuple(_texts(alone, "values")), others)
            for key, alone, others in (_entry(entry, "categories", 3) for entry in categories)
        ),
    )


def _list(about: Any, name: str) -> list[Any]:
    found = about.get(name)
    if not isinstance(found, list):
        raise ValueError(f"{name} is no list")
    return found


def _entry(entry: Any, name: str, parts: int) -> list[Any]:
    if not isinstance(entry, list) or len(entry) != parts:
        raise ValueError(f"an entry of {name} has not {parts} parts")
    return entry


def _texts(found: Any, name: str) -> list[str]:
    if not isinstance(found, list) or not all(isinstance(text, str) for text in found):
        raise ValueError(f"{name} are no texts")
    return found
