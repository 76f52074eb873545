"""What /invocations takes and gives, as OpenAPI has it."""

from collections.abc import Sequence
from typing import Any

from fitwell.data.columns import TableEncoder
from fitwell.serving.answers import CSV, JSON, LINES, NPY
from fitwell.serving.bodies import Reader

KINDS = {"number": ["number", "boolean", "null"], "date": ["string", "null"]}
"""JSON types of a column's values; a category may be any of the plain ones."""

TEXT: dict[str, Any] = {"text/plain": {"schema": {"type": "string"}}}

REFUSED = {
    400: "The body does not fit",
    406: "No type of the Accept header is written",
    413: "The body is too long",
    415: "The content type is not read",
    503: "Too much is waiting; send it again",
}


def described(reader: Reader, classes: Sequence[str]) -> dict[str, Any]:
    """Give the arguments that describe the route of a model."""
    body = {kind: {"schema": _schema(kind, reader)} for kind in reader.kinds}
    return {
        "summary": "Class probabilities, one answer per row",
        "openapi_extra": {"requestBody": {"required": True, "content": body}},
        "responses": {
            200: {"description": "One answer per row, in order", "content": _answers(classes)},
            **{status: {"description": text, "content": TEXT} for status, text in REFUSED.items()},
        },
    }


def _schema(kind: str, reader: Reader) -> dict[str, Any]:
    if kind == JSON:
        rows = {"type": "array", "minItems": 1, "items": _row(reader)}
        instances = {
            "type": "object", "properties": {"instances": rows}, "required": ["instances"],
        }  # fmt: skip
        return {"anyOf": [instances, rows]}
    if kind in (CSV, LINES):
        return {"type": "string"}
    return {"type": "string", "format": "binary"}


def _row(reader: Reader) -> dict[str, Any]:
    if isinstance(reader.encoder, TableEncoder):
        columns = reader.encoder.columns
        everything = ["number", "string", "boolean", "null"]
        return {
            "type": "object",
            "properties": {c.name: {"type": KINDS.get(c.kind, everything)} for c in columns},
            "required": [column.name for column in columns],
        }
    row: dict[str, Any] = {"type": "number"}
    for side in reversed(reader.json_shape):
        row = {"type": "array", "items": row, "minItems": side, "maxItems": side}
    return row


def _answers(classes: Sequence[str]) -> dict[str, Any]:
    each = {name: {"type": "number", "minimum": 0, "maximum": 1} for name in classes}
    row = {
        "type": "object",
        "properties": {
            "class": {"type": "string", "enum": list(classes)},
            "probabilities": {"type": "object", "properties": each, "required": list(classes)},
        },
        "required": ["class", "probabilities"],
    }
    whole = {
        "type": "object",
        "properties": {"predictions": {"type": "array", "items": row}},
        "required": ["predictions"],
    }
    return {
        JSON: {"schema": whole},
        CSV: {"schema": {"type": "string"}},
        LINES: {"schema": {"type": "string"}},
        NPY: {"schema": {"type": "string", "format": "binary"}},
    }
