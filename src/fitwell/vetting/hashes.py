"""sha256 of a run's files: the model's in model.json, the evidence's in hashes.json.

A hash tells of a change, by accident or by hand. It is no signature: who can write a file
can write its hash too. So nothing here replaces the checks of what the files hold.
"""

import hashlib
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from fitwell.errors import InputError
from fitwell.storage import read_json, write_json
from fitwell.vetting.layout import ABOUT, EVIDENCE, MANIFEST, MODEL, PAGE, check_file

FORMAT = 1
LINK = f"{MODEL}/{ABOUT}"
"""The manifest holds its hash, and it holds those of the model's other files."""


def sha256(path: Path) -> str:
    """Hash a file."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def check_hash(path: Path, expected: str, source: str) -> None:
    """Check a file against the hash that ``source`` holds of it.

    Raises:
        InputError: it is missing, a link, too large, or was changed.
    """
    check_file(path)
    if sha256(path) != expected:
        # A run that was killed while it drew its page is whole, but for the page.
        way = "write it again with fitwell report" if path.name == PAGE else "make the run anew"
        raise InputError(
            f"{path} was changed since the run: its sha256 is not the one in {source}. Copy"
            f" the run folder again, or {way}."
        )


def write_manifest(folder: Path, written: Mapping[str, Path] | None = None) -> None:
    """Write the hashes of the evidence and of model.json.

    Args:
        folder: of the run.
        written: files that lie elsewhere so far, by the names that they will have.
    """
    write_json(folder / MANIFEST, manifest_of(folder, written))


def manifest_of(folder: Path, written: Mapping[str, Path] | None = None) -> dict[str, Any]:
    """Give what `write_manifest` writes."""
    places = {name: folder / name for name in (*EVIDENCE, LINK)} | dict(written or {})
    hashes = {name: sha256(path) for name, path in places.items() if path.is_file()}
    return {"format": FORMAT, "sha256": hashes}


def check_manifest(folder: Path, *, needed: bool, leave_out: Collection[str] = ()) -> None:
    """Check the evidence against the manifest.

    Args:
        folder: of the run.
        needed: whether model.json says that there is a manifest; former versions wrote none.
        leave_out: what is about to be written again.

    Raises:
        InputError: a file was changed, is missing or is not in the manifest; or there is no
            manifest, or it is none.
    """
    path = folder / MANIFEST
    if not needed and not path.exists() and not path.is_symlink():
        return
    check_file(path)
    content = read_json(path)
    hashes: Any = content.get("sha256")
    if content.get("format") != FORMAT or not _fits(hashes):
        raise InputError(
            f"{path} is no list of hashes of format {FORMAT}. Copy the run folder again."
        )
    for name in (*EVIDENCE, LINK):
        if name in leave_out or (name not in hashes and not (folder / name).exists()):
            continue
        check_hash(folder / name, hashes.get(name, ""), MANIFEST)


def _fits(hashes: object) -> bool:
    return isinstance(hashes, dict) and all(
        isinstance(value, str) and re.fullmatch("[0-9a-f]{64}", value) for value in hashes.values()
    )
