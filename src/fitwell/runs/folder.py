"""A run folder: what was asked, what was found, the model and the report."""

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fitwell.errors import InputError
from fitwell.results import Result
from fitwell.runs.openings import NAME, read_openings
from fitwell.storage import (
    read_json,
    replacing,
    result_from_dict,
    result_to_dict,
    write_json,
)
from fitwell.vetting.hashes import write_manifest
from fitwell.vetting.layout import check_file

FORMAT = 4
"""Version of the folder's layout; a folder of another version is refused."""


@dataclass(frozen=True)
class RunFolder:
    """A folder that fitwell made."""

    path: Path

    @property
    def model(self) -> Path:
        """Where the model lies."""
        return self.path / "model"

    @classmethod
    def begin(
        cls, path: Path, asked: Mapping[str, Any], *, resume: bool = False, force: bool = False
    ) -> "RunFolder":
        """Make the folder, or take up one that was begun with the same question.

        Raises:
            InputError: it exists and neither flag was given; it cannot be written; with
                ``resume``, it was begun with other options, data or version; with
                ``force``, it is not a run folder.
        """
        folder = cls(path)
        seen = read_openings(path) if force else []
        if path.exists() and not (path.is_dir() and not any(path.iterdir())):
            if resume:
                folder._check_same(asked)
                return folder
            if not force:
                raise InputError(
                    f"--out {path} exists. Use --resume to go on with it, --force to replace it,"
                    " or another folder."
                )
            if not (path / "run.json").is_file():
                raise InputError(
                    f"--out {path} exists and is not a run folder, so --force leaves it alone."
                    " Choose another folder."
                )
            shutil.rmtree(path)
        elif resume:
            raise InputError(f"--resume: {path} holds no run yet. Leave --resume out.")
        try:
            path.mkdir(parents=True, exist_ok=True)
            write_json(path / "run.json", asked)
            if seen:
                write_json(path / NAME, {"openings": seen})
        except OSError as error:
            raise InputError(
                f"--out {path} cannot be written: {error.strerror}. Choose another folder."
            ) from error
        return folder

    @classmethod
    def open(cls, path: Path, *, finished: bool = True) -> "RunFolder":
        """Open a folder that exists.

        Raises:
            InputError: it is not a run folder, of another version, or not finished.
        """
        folder = cls(path)
        if not (path / "run.json").is_file():
            raise InputError(
                f"{path} is not a run folder: it has no run.json. Name the folder that was given"
                " to --out."
            )
        check_file(path / "run.json")
        _check_version(path, folder.asked())
        if finished and not (path / "result.json").is_file():
            raise InputError(
                f"{path} holds a run that was not finished. Run the same command with --resume."
            )
        return folder

    def asked(self) -> dict[str, Any]:
        """Read run.json."""
        return read_json(self.path / "run.json")

    def result(self) -> Result:
        """Read result.json."""
        path = self.path / "result.json"
        check_file(path)
        return result_from_dict(read_json(path), str(path))

    def finish(self, result: Result, asked: Mapping[str, Any]) -> None:
        """Write what was found; result.json last, since it marks the run as finished."""
        write_json(self.path / "run.json", asked)
        with replacing(self.path / "result.json") as temporary:
            write_json(temporary, result_to_dict(result))
            write_manifest(self.path, {"result.json": temporary})

    def _check_same(self, asked: Mapping[str, Any]) -> None:
        before = RunFolder.open(self.path, finished=False).asked()
        for part in ("options", "data"):
            for name, value in asked[part].items():
                former = before.get(part, {}).get(name)
                if former != value:
                    raise InputError(
                        f"--resume: {self.path} was begun with {name} = {former!r}, not"
                        f" {value!r}. Repeat the first command, or choose another --out."
                    )


def _check_version(path: Path, asked: Mapping[str, Any]) -> None:
    if asked.get("format") != FORMAT:
        raise InputError(
            f"{path} was made by another version of fitwell ({asked.get('fitwell', 'unknown')},"
            f" folder format {asked.get('format')!r}; this one reads {FORMAT}). Make the run anew"
            " with --force, or use that version."
        )


def check_writable(path: Path) -> None:
    """Say early that ``path`` could not be made, before any training.

    Raises:
        InputError: the nearest folder above that exists cannot be written, or is a file.
    """
    above = path.absolute()
    while not above.exists():
        above = above.parent
    if not above.is_dir():
        raise InputError(f"--out {path} cannot be made: {above} is a file. Choose another folder.")
    if not os.access(above, os.W_OK):
        raise InputError(f"--out {path} cannot be written: permission denied in {above}.")
