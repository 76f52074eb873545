"""A finished run to read: its folder, or its archive, unpacked for as long as it is needed."""

import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from fitwell.model_files import check_model
from fitwell.runs.folder import RunFolder
from fitwell.vetting.hashes import check_manifest
from fitwell.vetting.unpack import unpack


@contextmanager
def opened(run: Path, *, leave_out: Collection[str] = ()) -> Iterator[RunFolder]:
    """Give a run's folder; model and evidence have been checked against their hashes.

    Args:
        run: a folder, or a ``model.tar.gz``, which is unpacked into a temporary folder.
        leave_out: evidence that is about to be written again.

    Raises:
        InputError: it is no finished run, or a file of it is missing, was changed, or is one
            that no run writes.
    """
    if not run.is_file():
        yield _checked(run, leave_out)
        return
    with tempfile.TemporaryDirectory(prefix="fitwell-") as temporary:
        unpack(run, Path(temporary))
        yield _checked(Path(temporary), leave_out)


def _checked(path: Path, leave_out: Collection[str]) -> RunFolder:
    folder = RunFolder.open(path)
    about = check_model(folder.model)
    check_manifest(folder.path, needed=about.manifest, leave_out=leave_out)
    return folder
