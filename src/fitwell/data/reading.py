"""Files to tables: CSV, CSV.gz and Parquet, with one clear line for what cannot be read."""

import csv
import difflib
import gzip
import io
import re
import warnings
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from fitwell.errors import InputError


def near(name: str, known: Sequence[str]) -> str:
    """Suggest a name that is like ``name``, or list what there is."""
    known = [str(other) for other in known]
    match = difflib.get_close_matches(name, known, n=1)
    if match:
        return f" Did you mean {match[0]!r}?"
    more = f" and {len(known) - 8} more" if len(known) > 8 else ""
    return f" There are {', '.join(known[:8])}{more}."


def check_file(path: Path, option: str = "DATA") -> None:
    """Raise an `InputError` unless ``path`` is a file with something in it."""
    if path.is_dir():
        raise InputError(f"{option}: {path} is a folder, but a file is expected. Name the file.")
    if not path.is_file():
        above = path.parent
        names = [p.name for p in above.iterdir()] if above.is_dir() else []
        match = difflib.get_close_matches(path.name, names, n=1)
        hint = f"Did you mean {above / match[0]}?" if match else "Check the name and the folder."
        raise InputError(f"{option}: there is no file {path}. {hint}")
    if path.stat().st_size == 0:
        raise InputError(f"{option}: {path} is empty. Give a file with a header and rows.")


def read_table(
    path: str | Path, *, ignore: Sequence[str] = (), text: Sequence[str] = ()
) -> pd.DataFrame:
    """Read a table; the ending says how: .csv, .tsv, .txt, each also with .gz; .parquet, .pq.

    Args:
        path: the file.
        ignore: columns that may hold what cannot be read.
        text: columns of a CSV to be left as they are written: in new rows the codes of a
            category may all look like numbers, and 007 is not 7.

    Raises:
        InputError: no such file, empty, not text, a header only, two columns of one name,
            a row longer than the header, or Parquet columns that are neither numbers nor text.
    """
    path = Path(path)
    check_file(path)
    endings = [ending.lower() for ending in path.suffixes]
    if endings[-1:] in ([".parquet"], [".pq"]):
        return _read_parquet(path, ignore)
    if endings[-1:] == [".gz"]:
        endings.pop()
    if endings[-1:] not in ([".csv"], [".tsv"], [".txt"]):
        raise InputError(
            f"DATA: {path} ends in {path.suffix or 'nothing'!r}, but .csv, .csv.gz, .tsv, .parquet,"
            " .npz or a folder of images is expected. Rename or convert it."
        )
    return _read_csv(path, text)


def _read_csv(path: Path, as_text: Sequence[str]) -> pd.DataFrame:
    text = _text(path)
    first = re.sub(r'"[^"]*"', "", text.lstrip("\n").split("\n", 1)[0])
    separator = max(",;\t", key=first.count) if any(c in first for c in ",;\t") else ","
    header = next(csv.reader(io.StringIO(text.lstrip("\n")), delimiter=separator), [])
    names = [name.strip() for name in header]
    _check_header(names, path)
    as_written = {number: str for number, name in enumerate(names) if name in set(as_text)}
    try:
        with warnings.catch_warnings():
            # Where every row is too long, pandas only warns, and cuts.
            warnings.simplefilter("error", pd.errors.ParserWarning)
            frame = pd.read_csv(
                io.StringIO(text),
                sep=separator,
                index_col=False,
                low_memory=False,
                dtype=as_written,
                on_bad_lines="error",
            )
    except (pd.errors.ParserError, pd.errors.ParserWarning, ValueError) as error:
        reason = " ".join(str(error).split()).removeprefix("Error tokenizing data. C error: ")
        raise InputError(
            f"DATA: {path} is not a regular table: {reason}. Every row needs as many fields as the"
            " header."
        ) from error
    frame.columns = pd.Index([str(name).strip() for name in frame.columns])
    if frame.empty:
        raise InputError(f"DATA: {path} holds a header only. Give rows below it.")
    return frame


def _text(path: Path) -> str:
    try:
        raw = path.read_bytes()
        raw = gzip.decompress(raw) if path.suffix.lower() == ".gz" else raw
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"DATA: {path} cannot be unpacked: {error}. Pack it again.") from error
    if b"\0" in raw[:100_000] and not raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InputError(
            f"DATA: {path} is not text: byte {raw.index(0)} is zero. Give a CSV file, or name it by"
            " its real type."
        )
    encoding = "utf-16" if raw.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"DATA: {path}, line {line}: byte {error.start} is not UTF-8 text. Save the file as"
            " UTF-8."
        ) from error
    if not text.strip():
        raise InputError(f"DATA: {path} is empty. Give a file with a header and rows.")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _check_header(names: Sequence[str], path: Path) -> None:
    place: dict[str, int] = {}
    for position, name in enumerate(names, start=1):
        if name in place:
            raise InputError(
                f"DATA: {path} has two columns named {name!r}, at positions {place[name]} and"
                f" {position}. Rename one."
            )
        place[name] = position


def _read_parquet(path: Path, ignore: Sequence[str]) -> pd.DataFrame:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with open(path, "rb") as stream:  # by its bytes: folder names are no columns
            table = pq.read_table(stream)
    except (pa.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(
            f"DATA: {path} is not a Parquet file: {reason}. Write it again."
        ) from error
    _check_header(table.column_names, path)
    for field in table.schema:
        if field.name not in ignore and not readable(field.type):
            raise InputError(
                f"DATA: {path}, column {field.name!r} has type {field.type}, but numbers, text,"
                f" Booleans or dates are expected. Convert it, or use --ignore {field.name}."
            )
    if table.num_rows == 0:
        raise InputError(f"DATA: {path} holds columns but no rows. Give rows.")
    for place, field in enumerate(table.schema):
        if not readable(field.type):  # ignored, but its name stays known
            table = table.set_column(place, field.name, pa.nulls(table.num_rows))
    try:
        return frame_of(table).reset_index(drop=True)
    except ValueError as error:
        raise InputError(f"DATA: {path} cannot be read: {error}. Write it again.") from error


def frame_of(columns: Any) -> pd.DataFrame:
    """Turn a table or a batch of Arrow into a frame.

    Raises:
        ValueError: the note on its types that pandas leaves in a file is damaged, a text is no
            UTF-8, which pandas would find when it is used, or a value is beyond what a frame holds.
    """
    columns.validate(full=True)
    try:
        frame: pd.DataFrame = columns.to_pandas()
    except (LookupError, TypeError, AttributeError, AssertionError) as error:
        reason = f"{type(error).__name__}: {error}"
        raise ValueError(f"what pandas noted of its columns is damaged ({reason})") from error
    return frame


def readable(kind: object) -> bool:
    """Whether a column of this Arrow type holds numbers, text, Booleans or dates."""
    import pyarrow.types as types

    if types.is_dictionary(kind):
        return readable(kind.value_type)  # type: ignore[attr-defined]
    checks = (
        types.is_integer, types.is_floating, types.is_boolean, types.is_string,
        types.is_large_string, types.is_temporal, types.is_decimal, types.is_null,
    )  # fmt: skip
    return any(check(kind) for check in checks)
