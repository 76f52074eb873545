"""Import what the user names as ``module:name``."""

import importlib
import os
import sys
from collections.abc import Callable
from typing import Any

from fitwell.errors import InputError


def find(name: str, option: str, form: str) -> Callable[..., Any]:
    """Import ``module:name``; the current folder is searched too.

    Args:
        name: as given.
        option: that it was given to, such as ``--model``.
        form: how to write it, such as ``module:factory``.

    Raises:
        InputError: no such module, no such name, or it is not callable.
    """
    module_name, _, attribute = name.partition(":")
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        module = importlib.import_module(module_name)
    except Exception as error:
        raise InputError(
            f"{option} {name} cannot be imported: {type(error).__name__}: {error}. Write"
            f" {form}, with the module on the Python path or in this folder."
        ) from error
    found = getattr(module, attribute, None)
    if not callable(found):
        public = [key for key, value in vars(module).items() if callable(value) and key[0] != "_"]
        raise InputError(
            f"{option} {name}: module {module_name} has no callable {attribute!r}. It has"
            f" {', '.join(public[:8]) or 'none'}."
        )
    result: Callable[..., Any] = found
    return result


def name_of(given: Any) -> str:
    """Name a class, a function or an object.

    >>> name_of(sorted)
    'sorted'
    """
    return str(getattr(given, "__name__", type(given).__name__))
