"""What a run says of its loggers: its name among other runs, and which of them failed."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from fitwell.results import Result


def run_name(out: Path | None, asked: Mapping[str, Any]) -> str:
    """Name a run as no other is: its folder, or its verb where there is none, and its id.

    >>> run_name(Path("credit"), {"verb": "tune", "id": "3f2a9c1b"})
    'credit-3f2a9c1b'
    """
    return f"{out.absolute().name if out else asked['verb']}-{asked['id']}"


def with_failures(result: Result, failures: Sequence[tuple[str, str]]) -> Result:
    """Note which loggers failed."""
    notes = list(result.notes)
    for kind, reason in failures:
        notes.append(f"The logger {kind} failed and was left out from then on: {reason}.")
    return replace(result, notes=tuple(notes))
