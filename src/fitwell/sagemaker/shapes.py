"""A request held against botocore's own description of the service, key by key."""

import difflib
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from fitwell.errors import InputError
from fitwell.sagemaker.findings import Finding

ALNUM = r"\p{Alnum}"
TAGGED = r"[\p{L}\p{Z}\p{N}_.:/=+\-@]"
"""Classes that Java's regular expressions have and Python's have not."""

PYTHON = {
    ALNUM: "A-Za-z0-9",
    TAGGED: r"(?:\w|[ \xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000.:/=+\-@])",
}
KINDS: Mapping[str, tuple[type, ...]] = {
    "string": (str,), "integer": (int,), "long": (int,), "float": (int, float),
    "double": (int, float), "boolean": (bool,), "structure": (dict,), "map": (dict,),
    "list": (list, tuple),
}  # fmt: skip
WORDS = {
    "string": "text", "integer": "a whole number", "long": "a whole number", "float": "a number",
    "double": "a number", "boolean": "true or false", "structure": "an object", "map": "an object",
    "list": "a list",
}  # fmt: skip


def misfits(operation: str, body: Mapping[str, Any]) -> list[Finding]:
    """List the keys of a body that the service's model does not allow.

    Held against it: required and unknown keys, types, words, patterns (the whole text), and
    the least and the most of lengths, values and sizes.

    Raises:
        InputError: no such operation, or botocore is not installed.
    """
    return list(_check(_input_of(operation), body, ""))


@cache
def _input_of(operation: str) -> Any:
    try:
        import botocore.session
    except ModuleNotFoundError as error:
        raise InputError(
            "a request is checked by botocore, which is not installed. Install it: pip install"
            " 'fitwell[aws]'"
        ) from error
    service = botocore.session.get_session().get_service_model("sagemaker")
    if operation not in service.operation_names:
        raise InputError(f"SageMaker has no operation {operation!r}. Correct its name.")
    return service.operation_model(operation).input_shape


def _check(shape: Any, value: Any, path: str) -> Iterator[Finding]:
    kind = shape.type_name
    if not _is(kind, value):
        yield Finding(path or "the body", f"is {value!r}, but {WORDS[kind]} is expected.")
        return
    yield from _limits(shape, value, path)
    if kind == "structure":
        yield from _members(shape, value, path)
    elif kind == "list":
        for place, part in enumerate(value):
            yield from _check(shape.member, part, f"{path}[{place}]")
    elif kind == "map":
        for key, part in value.items():
            yield from _check(shape.key, key, f"{path}, key {key!r}")
            yield from _check(shape.value, part, f"{path}.{key}")


def _is(kind: str, value: Any) -> bool:
    # True and False are whole numbers in Python, but not on the wire.
    if kind not in KINDS:
        return True
    return isinstance(value, KINDS[kind]) and (kind == "boolean") == isinstance(value, bool)


def _members(shape: Any, value: Mapping[str, Any], path: str) -> Iterator[Finding]:
    before = f"{path}." if path else ""
    for name in shape.required_members:
        if name not in value:
            yield Finding(f"{before}{name}", "is missing.")
    for name, part in value.items():
        if name in shape.members:
            yield from _check(shape.members[name], part, f"{before}{name}")
            continue
        near = difflib.get_close_matches(str(name), shape.members, n=1)
        hint = f"Did you mean {near[0]}?" if near else f"{shape.name} has no such key."
        yield Finding(f"{before}{name}", f"is unknown. {hint}")


def _limits(shape: Any, value: Any, path: str) -> Iterator[Finding]:
    bounds = shape.metadata
    sized = hasattr(value, "__len__")
    size = len(value) if sized else value
    unit = {"string": " characters", "list": " entries", "map": " entries"}.get(shape.type_name, "")
    shown = f"has {size}{unit}" if sized else f"is {value!r}"
    if shape.type_name not in ("structure", "boolean"):
        if "min" in bounds and size < bounds["min"]:
            yield Finding(path, f"{shown}, but at least {bounds['min']}{unit} are expected.")
        if "max" in bounds and size > bounds["max"]:
            yield Finding(path, f"{shown}, but at most {bounds['max']}{unit} are expected.")
    words = getattr(shape, "enum", ())
    if words and value not in words:
        near = difflib.get_close_matches(str(value), words, n=1)
        few = f"one of {', '.join(words)} is expected" if len(words) < 9 else "it is unknown"
        hint = f" Did you mean {near[0]}?" if near else ""
        yield Finding(path, f"is {value!r}, but {few}.{hint}")
    if "pattern" in bounds and not re.fullmatch(python_pattern(bounds["pattern"]), value):
        yield Finding(path, f"is {value!r}, but the pattern {bounds['pattern']} is expected.")


def python_pattern(text: str) -> str:
    r"""Write a pattern of the service, which is Java's, in Python's way.

    >>> python_pattern(r"arn:[\p{Alnum}\-]+")
    'arn:[A-Za-z0-9\\-]+'
    """
    for java, python in PYTHON.items():
        text = text.replace(java, python)
    return text
