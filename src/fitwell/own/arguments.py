"""Arguments as text: ``momentum=0.9,nesterov=true``."""

import ast
import re
from collections.abc import Mapping
from typing import Any

from fitwell.errors import InputError

WORDS = {"true": True, "false": False, "none": None}


def parse_arguments(text: str) -> dict[str, Any]:
    """Read names and values; what is no number, word or bracket stays text.

    Raises:
        InputError: a part has no name.

    >>> parse_arguments("momentum=0.9,nesterov=true,betas=(0.9,0.95)")
    {'momentum': 0.9, 'nesterov': True, 'betas': (0.9, 0.95)}
    """
    found = {}
    # A comma inside brackets does not part.
    for part in re.split(r",(?![^(\[]*[)\]])", text) if text.strip() else ():
        name, sign, value = (piece.strip() for piece in part.partition("="))
        if not (name.isidentifier() and sign and value):
            raise InputError(
                f"--optimizer-args is {text!r}, but names and values with commas are expected,"
                " such as momentum=0.9,nesterov=true."
            )
        found[name] = _value(value)
    return found


def written(arguments: Mapping[str, Any]) -> str:
    """Write arguments as text.

    >>> written({"momentum": 0.9, "nesterov": True})
    'momentum=0.9,nesterov=True'
    """
    return ",".join(f"{name}={value!r}" for name, value in arguments.items())


def _value(text: str) -> Any:
    if text.lower() in WORDS:
        return WORDS[text.lower()]
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text
