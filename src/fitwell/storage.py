"""Results to JSON and back; files written whole or not at all."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from fitwell.errors import InputError
from fitwell.results import SCHEMA, Result


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary name to write to; it becomes ``path`` when all went well."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_json(path: Path, data: Mapping[str, Any]) -> None:
    """Write one JSON document; NaN and infinity, which JSON lacks, are refused."""
    with replacing(path) as temporary:
        temporary.write_text(to_json(data) + "\n", encoding="utf-8")


def to_json(data: Mapping[str, Any]) -> str:
    """Format as fitwell writes it everywhere."""
    return json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False)


def read_json(path: Path) -> dict[str, Any]:
    """Read one JSON object.

    Raises:
        InputError: no such file, or no JSON object in it.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(
            f"{path} cannot be read: {error.strerror}. Name a folder that fitwell made."
        ) from error
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"{path} is not a JSON file: {error}. Make the run anew with --force."
        ) from error
    if not isinstance(data, dict):
        raise InputError(f"{path} holds no JSON object. Make the run anew with --force.")
    return data


def result_to_dict(result: Result) -> dict[str, Any]:
    """Turn a result into what ``result.json`` holds."""
    return asdict(result)


def result_from_dict(data: Mapping[str, Any], source: str = "result.json") -> Result:
    """Turn the content of ``result.json`` into a result.

    Raises:
        InputError: another version of the schema, or a field is missing or misshapen.
    """
    if data.get("schema") != SCHEMA:
        raise InputError(
            f"{source} has schema {data.get('schema')!r}, but this fitwell reads schema {SCHEMA}."
            " Make the run anew with this version, or read it with the version that made it."
        )
    from cattrs import BaseValidationError
    from cattrs.preconf.json import make_converter

    try:
        return make_converter().structure(data, Result)
    except (BaseValidationError, TypeError, ValueError) as error:
        raise InputError(f"{source} does not fit its schema. Make the run anew.") from error
