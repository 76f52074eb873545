"""Openings of the test part, counted in the run folder and looked for beside it."""

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fitwell.storage import write_json

NAME = "openings.json"
"""Lies in a run folder and outlives ``--force``: what was seen stays seen."""


@dataclass(frozen=True)
class Openings:
    """The openings that one run folder knows of.

    Attributes:
        folder: the run folder.
        run: identity of the run; one that is resumed and opens again is counted once.
    """

    folder: Path
    run: str

    def record(self, seal: str, why: str) -> Sequence[str]:
        """Write an opening down; give all of this seal so far, this one among them."""
        kept = read_openings(self.folder)
        if not any(one["seal"] == seal and one["run"] == self.run for one in kept):
            now = datetime.now(UTC).isoformat(timespec="seconds")
            kept.append({"seal": seal, "run": self.run, "why": why, "at": now})
            write_json(self.folder / NAME, {"openings": kept})
        return [f"{one['why']}, {one['at']}" for one in kept if one["seal"] == seal]


def read_openings(folder: Path) -> list[dict[str, Any]]:
    """Read what a folder knows; nothing where it knows nothing."""
    with suppress(OSError, ValueError, KeyError):
        found: list[dict[str, Any]] = json.loads((folder / NAME).read_text("utf-8"))["openings"]
        return found
    return []


def opened_elsewhere(folder: Path, seal: str) -> tuple[str, ...]:
    """Name the run folders beside this one that opened the same test part."""
    beside = sorted(path for path in folder.absolute().parent.iterdir() if path.is_dir())
    own = folder.absolute().name
    return tuple(
        path.name
        for path in beside
        if path.name != own and any(one.get("seal") == seal for one in read_openings(path))
    )
