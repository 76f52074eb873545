"""The header of a safetensors file, read and checked before any number of it is."""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fitwell.errors import InputError

LONGEST_HEADER = 16 * 2**20
"""Bytes; some 100,000 tensors. The format allows 100 MB."""

BITS = {
    "BOOL": 8, "U8": 8, "I8": 8, "F8_E4M3": 8, "F8_E5M2": 8,
    "U16": 16, "I16": 16, "F16": 16, "BF16": 16,
    "U32": 32, "I32": 32, "F32": 32,
    "U64": 64, "I64": 64, "F64": 64, "C64": 64,
}  # fmt: skip


@dataclass(frozen=True)
class Form:
    """Type and shape of a tensor; the type as safetensors writes it, such as ``F32``."""

    dtype: str
    shape: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.dtype} {list(self.shape)}"


def read_header(path: Path) -> dict[str, Form]:
    """Give the tensors of a safetensors file by name.

    Raises:
        InputError: the header is too long, no header, or does not describe the bytes behind it.
    """
    size = path.stat().st_size
    with open(path, "rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        if size < 8 or length > min(LONGEST_HEADER, size - 8):
            raise _broken(path, f"its header would have {length:,} bytes, of {size:,} in the file")
        raw = stream.read(length)
    try:
        header = json.loads(raw, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise _broken(
            path, f"its header is no JSON: {' '.join(str(error).split())[:80]}"
        ) from error
    if not isinstance(header, dict):
        raise _broken(path, "its header is no JSON object")
    header.pop("__metadata__", None)
    end = 0
    forms = {}
    for name, (form, first, last) in sorted(_tensors(path, header), key=lambda item: item[1][1:]):
        if first != end or last - first != math.prod(form.shape) * BITS[form.dtype] // 8:
            raise _broken(path, f"the bytes of {name[:80]!r} are not where its shape has them")
        end = last
        forms[name] = form
    if 8 + length + end != size:
        raise _broken(path, f"it has {size:,} bytes, but its header describes {8 + length + end:,}")
    return forms


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a name comes twice")
    return dict(pairs)


def _tensors(path: Path, header: Mapping[str, Any]) -> Iterator[tuple[str, tuple[Form, int, int]]]:
    for name, entry in header.items():
        match entry:
            case {"dtype": str(dtype), "shape": list(shape), "data_offsets": [first, last]}:
                sizes = (*shape, first, last)
                if dtype in BITS and all(type(size) is int and size >= 0 for size in sizes):
                    yield name, (Form(dtype, tuple(shape)), first, last)
                    continue
        raise _broken(path, f"{name[:80]!r} has no known type, shape and place in its header")


def check_fit(path: Path, found: Mapping[str, Form], expected: Mapping[str, Form]) -> None:
    """Compare the tensors of a file with those of the network that model.json describes.

    Raises:
        InputError: one is missing, too many, or of another type or shape.
    """
    for name in sorted({*found, *expected}):
        if found.get(name) != expected.get(name):
            there = f"as {found[name]}" if name in found else "not"
            wanted = f"as {expected[name]}" if name in expected else "not"
            raise InputError(
                f"{path} does not fit the network: {name[:80]!r} is there {there}, but is expected"
                f" {wanted}. Copy the run folder again, or make the run anew."
            )


def _broken(path: Path, reason: str) -> InputError:
    return InputError(f"{path} is broken: {reason}. Copy the run folder again.")
