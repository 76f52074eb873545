"""The transformer of a table's encoder as a file, looked through before it is built again.

skops builds only types that it trusts. It trusts far more than an encoder of ours is made of,
so what the file names is compared with our own short list first.
"""

import io
import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from fitwell.errors import InputError

TRUSTED = ("numpy.dtype",)
"""What a saved encoder holds beside the types that skops trusts by itself; no code."""

OBJECTS = {
    "sklearn.compose._column_transformer.ColumnTransformer",
    "sklearn.compose._column_transformer._RemainderColsList",
    "sklearn.impute._base.SimpleImputer",
    "sklearn.pipeline.Pipeline",
    "sklearn.preprocessing._data.RobustScaler",
    "sklearn.preprocessing._data.StandardScaler",
    "sklearn.preprocessing._encoders.OneHotEncoder",
    "sklearn.preprocessing._function_transformer.FunctionTransformer",
}
PLAIN = re.compile(
    r"builtins\.(bool|dict|float|int|list|NoneType|slice|str|tuple)"
    r"|numpy\.(ndarray|dtype|bool_?|object_|str_|u?int\d+|float\d+)"
)
LOADERS = {
    "DTypeNode", "DictNode", "JsonNode", "ListNode", "NdArrayNode", "ObjectNode", "SliceNode",
    "TupleNode", "TypeNode",
}  # fmt: skip
"""How skops may build a part: none of them calls a function that the file names."""

MOST_ENTRIES = 20_000
MOST_BYTES = 256 * 2**20


def load_transformer(path: Path) -> Any:
    """Read a ``ColumnTransformer``.

    Raises:
        InputError: the file is no such thing, is broken or too large, or names another type.
    """
    import skops.io
    from sklearn.compose import ColumnTransformer

    try:
        _look_through(path)
        transformer = skops.io.load(path, trusted=list(TRUSTED))
        if type(transformer) is not ColumnTransformer:
            raise ValueError(f"it holds a {type(transformer).__name__}, no ColumnTransformer")
    except Exception as error:  # skops raises many kinds; none is fit to be loaded
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"{path} is refused: {reason}. Copy the run folder again.") from error
    return transformer


def _look_through(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
        if len(entries) > MOST_ENTRIES or sum(entry.file_size for entry in entries) > MOST_BYTES:
            raise ValueError(f"it has more than {MOST_ENTRIES:,} parts or {MOST_BYTES:,} bytes")
        if len({entry.filename for entry in entries}) < len(entries):
            raise ValueError("a part comes twice")
        for entry in entries:
            if entry.filename == "schema.json":
                schema = json.loads(archive.read(entry))
            elif re.fullmatch(r"\d+\.npy", entry.filename):
                _check_array(entry.filename, archive.read(entry))
            else:
                raise ValueError(f"it holds {entry.filename[:80]!r}, no part of an encoder")
    wrong = sorted({kind for loader, kind in _nodes(schema) if not _known(loader, kind)})
    if wrong:
        raise ValueError(f"Untrusted types found in the file: {', '.join(wrong)}")


def _check_array(name: str, content: bytes) -> None:
    """Check that an array is as long as its header says, so that no memory is taken in vain."""
    stream = io.BytesIO(content)
    version = np.lib.format.read_magic(stream)
    form = np.lib.format
    readers = {(1, 0): form.read_array_header_1_0, (2, 0): form.read_array_header_2_0}
    shape, _, dtype = readers[version](stream)
    size = int(np.prod(shape, dtype=object)) * dtype.itemsize
    if dtype.hasobject or size != len(content) - stream.tell():
        raise ValueError(f"{name} is no array of plain numbers")


def _nodes(schema: Any) -> Iterator[tuple[object, str]]:
    """Give the loader and the type of every part, however deep it lies."""
    pending = [schema]
    while pending:
        part = pending.pop()
        if isinstance(part, dict):
            if "__loader__" in part or "__class__" in part or "__module__" in part:
                kind = f"{part.get('__module__')}.{part.get('__class__')}"
                yield part.get("__loader__"), kind
            pending += part.values()
        elif isinstance(part, list):
            pending += part


def _known(loader: object, kind: str) -> bool:
    return loader in LOADERS and (
        kind in OBJECTS if loader == "ObjectNode" else PLAIN.fullmatch(kind) is not None
    )
