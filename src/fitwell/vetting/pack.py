"""A run's model with its evidence as one archive, in the layout of a SageMaker model.

The same files give the same bytes: sorted names, no times, no owners.
"""

import gzip
import tarfile
from pathlib import Path

from fitwell.storage import replacing
from fitwell.vetting.hashes import check_manifest, write_manifest
from fitwell.vetting.layout import EVIDENCE, LARGEST, MANIFEST, MODEL

NAMES = (*EVIDENCE, MANIFEST)


def pack(folder: Path, out: Path) -> tuple[str, ...]:
    """Write the archive of a run folder, whole or not at all; give the names in it.

    Args:
        folder: of the run; its model has been checked.
        out: where to.

    Raises:
        InputError: the evidence was changed.
        OSError: ``out`` cannot be written.
    """
    check_manifest(folder, needed=False)
    if not (folder / MANIFEST).exists():
        write_manifest(folder)
    model = (path for path in (folder / MODEL).iterdir() if path.name in LARGEST)
    paths = {f"{MODEL}/{path.name}": path for path in model}
    paths |= {name: folder / name for name in NAMES if (folder / name).is_file()}
    with replacing(out) as temporary, open(temporary, "wb") as stream:
        # A file name or a time in gzip's own header would differ from one run to the next.
        with gzip.GzipFile(filename="", fileobj=stream, mode="wb", mtime=0) as packed:
            _write(paths, packed)
    return tuple(sorted(paths))


def _write(paths: dict[str, Path], packed: gzip.GzipFile) -> None:
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name in sorted(paths):
            entry = tarfile.TarInfo(name)
            entry.size = paths[name].stat().st_size
            entry.mode = 0o644
            with open(paths[name], "rb") as content:
                archive.addfile(entry, content)
