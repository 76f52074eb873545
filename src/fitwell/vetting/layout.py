"""Which files of a run belong to its model, what each may be, and how large."""

import re
import stat
from pathlib import Path

from fitwell.errors import InputError

MODEL = "model"
MANIFEST = "hashes.json"
"""Not manifest.json: multi-model-server takes such a file in a model for its own, and ends."""

PAGE = "report.html"
EVIDENCE = ("run.json", "result.json", PAGE)
"""What was asked, what was found, and the page; they travel with the model."""

ABOUT, WEIGHTS, ENCODER = "model.json", "weights.safetensors", "encoder.json"

FILES: dict[str | None, set[str]] = {
    None: {WEIGHTS},
    "ImageEncoder": {WEIGHTS, ENCODER},
    "TableEncoder": {WEIGHTS, ENCODER},
}
"""The files beside model.json, by the kind of the encoder."""

MIB = 2**20
LARGEST = {
    "run.json": 16 * MIB,
    "result.json": 256 * MIB,
    "report.html": 256 * MIB,
    MANIFEST: MIB,
    ABOUT: 4 * MIB,
    WEIGHTS: 4096 * MIB,
    ENCODER: 64 * MIB,
}
"""Bytes of a file by its name; ours, far above what a run writes."""

_LEFT_OVER = re.compile(r"\.(.+)\.\d+\.tmp")
"""What a process that was killed while it wrote leaves behind; nobody reads it."""


def check_file(path: Path) -> None:
    """Check that a file is one, that it lies where it says, and that it is not too large.

    Raises:
        InputError: it is missing, a link or no plain file, or larger than `LARGEST`.
    """
    try:
        about = path.lstat()
    except OSError as error:
        raise InputError(f"{path} is missing. Copy the whole run folder again.") from error
    if stat.S_ISLNK(about.st_mode):
        raise InputError(
            f"{path} is a link, but a file of the run itself is expected. Copy the file there."
        )
    if not stat.S_ISREG(about.st_mode):
        raise InputError(f"{path} is no plain file. Copy the run folder again.")
    if about.st_size > LARGEST[path.name]:
        raise InputError(
            f"{path} has {about.st_size:,} bytes, but at most {LARGEST[path.name]:,} are read. Copy"
            " the run folder again, or make the run anew."
        )


def check_folder(folder: Path) -> None:
    """Check that a model folder is one.

    Raises:
        InputError: it is missing or a link.
    """
    if folder.is_symlink():
        raise InputError(f"{folder} is a link, but a folder is expected. Copy the folder there.")
    if not folder.is_dir():
        raise InputError(f"{folder} is missing. Copy the whole run folder again.")


def check_names(folder: Path) -> None:
    """Check that a model folder holds a model's files and nothing else.

    Raises:
        InputError: it holds another file, such as a pickle.
    """
    known = (ABOUT, WEIGHTS, ENCODER)
    for path in sorted(folder.iterdir()):
        left = _LEFT_OVER.fullmatch(path.name)
        if path.name not in known and not (left and left[1] in known):
            raise InputError(
                f"{folder} holds {path.name!r}, which is no file of a model. Take it away if you"
                " put it there; otherwise copy the run folder again."
            )
