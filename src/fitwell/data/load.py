"""A path to a source: a folder or .npz holds images, everything else is a table."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from fitwell.data.images import read_folder, read_npz
from fitwell.data.reading import check_file, read_table
from fitwell.data.source import Source
from fitwell.data.tables import make_table
from fitwell.errors import InputError


def load_source(
    path: str | Path,
    *,
    target: str | None = None,
    test: str | Path | None = None,
    group: str | None = None,
    time: str | None = None,
    ignore: Sequence[str] = (),
) -> Source:
    """Read data; ``target`` names the column to predict, and ``test`` an own test file.

    Raises:
        InputError: what cannot be read or used, in one line.
    """
    path = Path(path)
    if path.is_dir() or path.suffix.lower() == ".npz":
        if test is not None or group or time:
            raise InputError(
                "--test, --group and --time are for tables. Put test images into the .npz or a"
                " folder test/."
            )
        if target is not None or ignore:
            raise InputError(
                "--target and --ignore are for tables. The classes of images are their labels or"
                " folders."
            )
        return read_folder(path) if path.is_dir() else read_npz(path)
    frame = read_table(path, ignore=ignore)
    if target is None:
        raise InputError(
            f"--target is missing. Name the column to predict; {path.name} has"
            f" {', '.join(map(str, frame.columns[-8:]))}."
        )
    tested = None
    if test is not None:
        check_file(Path(test), "--test")
        tested = read_table(test, ignore=ignore)
    files = [path] if test is None else [path, Path(test)]
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
    return make_table(
        frame,
        target,
        test=tested,
        group=group,
        time=time,
        ignore=ignore,
        name=path.name,
        fingerprint=digest,
    )
