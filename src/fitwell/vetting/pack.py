"""A run's model with its evidence as one archive, in the layout of a SageMaker model.

The same files give the same bytes: sorted names, no times, no owners.
"""

import gzip
import io
import tarfile
from collections.abc import Mapping
from pathlib import Path

from fitwell.storage import to_json
from fitwell.vetting.hashes import manifest_of
from fitwell.vetting.layout import EVIDENCE, LARGEST, MANIFEST, MODEL

NAMES = (*EVIDENCE, MANIFEST)


def pack(folder: Path, out: Path) -> tuple[str, ...]:
    """Write the archive of a run folder that has been checked; give the names in it.

    Raises:
        OSError: a file cannot be read, or ``out`` cannot be written.
    """
    model = (path for path in (folder / MODEL).iterdir() if path.name in LARGEST)
    parts: dict[str, Path | bytes] = {f"{MODEL}/{path.name}": path for path in model}
    parts |= {name: folder / name for name in NAMES if (folder / name).is_file()}
    # Former versions wrote no manifest; from here on the evidence has one.
    parts.setdefault(MANIFEST, f"{to_json(manifest_of(folder))}\n".encode())
    with open(out, "wb") as stream:
        # A file name or a time in gzip's own header would differ from one run to the next.
        with gzip.GzipFile(filename="", fileobj=stream, mode="wb", mtime=0) as packed:
            _write(parts, packed)
    return tuple(sorted(parts))


def _write(parts: Mapping[str, Path | bytes], packed: gzip.GzipFile) -> None:
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name in sorted(parts):
            part = parts[name]
            entry = tarfile.TarInfo(name)
            entry.mode = 0o644
            entry.size = len(part) if isinstance(part, bytes) else part.stat().st_size
            with io.BytesIO(part) if isinstance(part, bytes) else open(part, "rb") as content:
                archive.addfile(entry, content)
