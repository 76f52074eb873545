"""What a job left in S3, unpacked into a run folder; an archive is not trusted."""

import gzip
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from fitwell.errors import InputError

LARGEST = 16 * 2**30
"""Bytes that an archive may hold unpacked."""

MOST = 10_000
"""Entries that an archive may have."""

PIECE = 2**20
"""Bytes that are read at once; a header that wants more is refused, not kept in memory."""


def unpack(archive: Path, folder: Path, *, largest: int = LARGEST) -> list[str]:
    """Unpack a tar.gz into a folder, and name what lies there now; a file there stays as it is.

    Only plain files and folders below ``folder`` are taken: no absolute names, no ``..``,
    no links, no devices, and no more bytes or entries than an archive of a run has. Nothing
    is written where any of them is found.

    Raises:
        InputError: the archive is damaged, or holds something else.
    """
    try:
        with _Pieces(archive) as file, tarfile.open(fileobj=file, mode="r:") as tar:
            members = list(_safe(archive, tar, largest))
            for member in members:
                _write(tar, member, folder / member.name)
    except (tarfile.TarError, EOFError, OSError) as error:
        raise InputError(
            f"{archive.name} cannot be unpacked: {error}. Fetch it again; if that does not help,"
            " the job did not finish it."
        ) from error
    return [member.name for member in members if member.isfile()]


class _Pieces(gzip.GzipFile):
    """A file that is read in pieces only."""

    def read(self, size: int | None = -1) -> bytes:
        """Read, but not all at once."""
        if size is None or not 0 <= size <= PIECE:
            raise tarfile.ReadError(f"a header asks for {size} bytes")
        return super().read(size)


def _safe(archive: Path, tar: tarfile.TarFile, largest: int) -> Iterator[tarfile.TarInfo]:
    size = 0
    for number, member in enumerate(tar):
        path = PurePosixPath(member.name)
        size += max(member.size, 0)
        if not (member.isfile() or member.isdir()):
            wrong = "is a link or a device"
        elif path.is_absolute() or ".." in path.parts or "\\" in member.name:
            wrong = "lies outside"
        elif size > largest or number >= MOST:
            wrong = f"goes beyond {largest:,} bytes or {MOST:,} entries"
        else:
            yield member
            continue
        raise InputError(
            f"{archive.name}: {member.name!r} {wrong}, which no run of fitwell has. The archive is"
            " refused, and nothing was unpacked."
        )


def _write(tar: tarfile.TarFile, member: tarfile.TarInfo, path: Path) -> None:
    if member.isdir():
        path.mkdir(parents=True, exist_ok=True)
        return
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    source = tar.extractfile(member)
    assert source is not None  # a plain file
    with source, path.open("xb") as target:
        shutil.copyfileobj(source, target)
