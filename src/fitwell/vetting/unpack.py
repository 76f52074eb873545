"""An archive of a model, unpacked without trusting it: by known names, into an own folder.

Python's ``tarfile`` reads the long headers of an archive into memory whatever size they claim,
and follows links where it is told to. Here each block is looked at before anything is done:
plain files with known names are copied, folders are passed over, everything else is refused.
"""

import gzip
import tarfile
import zlib
from pathlib import Path
from typing import BinaryIO

from fitwell.errors import InputError
from fitwell.vetting.layout import ABOUT, ENCODER, LARGEST, MODEL, WEIGHTS
from fitwell.vetting.pack import NAMES

KNOWN = {*NAMES, *(f"{MODEL}/{name}" for name in (ABOUT, WEIGHTS, ENCODER))}
MOST_ENTRIES = 64
"""Files, folders and headers; an archive of a run has fewer than ten."""

MOST_BYTES = 4096 * 2**20
"""Of all files together, unpacked."""

BLOCK = tarfile.BLOCKSIZE
LONGEST_HEADER = 2**16
PLAIN = (tarfile.REGTYPE, tarfile.AREGTYPE)
TIMES = (tarfile.XHDTYPE, tarfile.XGLTYPE)
"""Headers in which other tools write times with fractions of a second."""

KINDS = {
    tarfile.SYMTYPE: "a symbolic link",
    tarfile.LNKTYPE: "a hard link",
    tarfile.CHRTYPE: "a device",
    tarfile.BLKTYPE: "a device",
    tarfile.FIFOTYPE: "a pipe",
    tarfile.GNUTYPE_SPARSE: "a sparse file",
}


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a ``model.tar.gz`` into ``folder``, which is empty.

    Raises:
        InputError: it is no such archive, is cut off, or holds anything else than the files of
            a run: another name, a path out of the folder, a link, a device, too many or too
            large files. What was unpacked by then lies in ``folder``.
    """
    try:
        with gzip.open(archive, "rb") as stream:
            _Unpacking(archive, stream, folder).run()
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        reason = " ".join(str(error).split())[:100]
        raise _refused(archive, f"it is no whole gzip file: {reason}") from error
    except OSError as error:
        raise InputError(f"{archive} cannot be unpacked: {error.strerror or error}.") from error


class _Unpacking:
    """One archive on its way into one folder."""

    def __init__(self, archive: Path, stream: gzip.GzipFile, folder: Path) -> None:
        self._archive = archive
        self._stream = stream
        self._folder = folder
        self._left = MOST_BYTES
        self._seen: set[str] = set()

    def run(self) -> None:
        for _ in range(MOST_ENTRIES):
            block = self._read(BLOCK)
            if block == bytes(BLOCK):
                self._end()
                return
            self._entry(self._header(block))
        raise _refused(self._archive, f"it holds more than {MOST_ENTRIES} entries")

    def _header(self, block: bytes) -> tarfile.TarInfo:
        try:
            entry = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
        except tarfile.HeaderError as error:
            raise _refused(self._archive, f"it is no tar file: {error}") from error
        if entry.size < 0:
            raise _refused(self._archive, "it holds a file of negative size")
        return entry

    def _entry(self, entry: tarfile.TarInfo) -> None:
        name = entry.name.removeprefix("./").rstrip("/")
        shown = ascii(entry.name[:80])
        if entry.type in TIMES:
            self._skip_times(entry.size)
        elif entry.name.startswith("/") or ".." in entry.name.split("/"):
            raise _refused(self._archive, f"it holds {shown}, a path that leads out of it")
        elif entry.type in KINDS:
            raise _refused(self._archive, f"it holds {KINDS[entry.type]}, {shown}")
        elif entry.type == tarfile.DIRTYPE and name in ("", ".", MODEL):
            pass
        elif entry.type not in PLAIN or name not in KNOWN:
            raise _refused(self._archive, f"it holds {shown}, which is no file of a run's model")
        elif name in self._seen:
            raise _refused(self._archive, f"it holds {shown} twice")
        else:
            self._seen.add(name)
            self._copy(name, entry.size)

    def _skip_times(self, size: int) -> None:
        if size > LONGEST_HEADER:
            raise _refused(self._archive, f"it holds a header of {size:,} bytes")
        records = self._read(-(-size // BLOCK) * BLOCK)
        # They would replace what the next header says; names here are too short to need it.
        for word in (b" path=", b" linkpath=", b" size=", b" GNU.sparse"):
            if word in records:
                raise _refused(self._archive, f"it holds a header with{word.decode()}")

    def _copy(self, name: str, size: int) -> None:
        path = self._folder / name
        if size > min(LARGEST[path.name], self._left):
            raise _refused(self._archive, f"{name} would have {size:,} bytes")
        self._left -= size
        path.parent.mkdir(exist_ok=True)
        with open(path, "xb") as target:
            self._pour(size, target)
        self._read(-size % BLOCK)

    def _pour(self, size: int, target: BinaryIO) -> None:
        while size:
            part = self._read(min(size, 2**20))
            target.write(part)
            size -= len(part)

    def _read(self, size: int) -> bytes:
        content = self._stream.read(size)
        if len(content) < size:
            raise _refused(self._archive, "it is cut off")
        return content

    def _end(self) -> None:
        """Read the zeros that fill the last block, and gzip's checksum behind them."""
        rest = self._stream.read(LONGEST_HEADER)
        if rest.strip(b"\0") or self._stream.read(1):
            raise _refused(self._archive, "something lies behind its end")


def _refused(archive: Path, reason: str) -> InputError:
    return InputError(
        f"{archive} is refused: {reason}. Name a model.tar.gz that fitwell export --archive or a"
        " training job of fitwell made."
    )
