"""What can be done about overfitting, one file each.

A file that defines ``REMEDY`` is found by itself, and its name can then stand in the arms
of `comparison`, which say what is searched; its parameters are fields of `Recipe`.
"""

import importlib
import pkgutil

from fitwell.remedies.remedy import Remedy


def all_remedies() -> dict[str, Remedy]:
    """Every remedy of this folder by its name, in alphabetical order."""
    found: dict[str, Remedy] = {}
    for file in sorted(module.name for module in pkgutil.iter_modules(__path__)):
        remedy = getattr(importlib.import_module(f"{__name__}.{file}"), "REMEDY", None)
        if isinstance(remedy, Remedy):
            found[remedy.name] = remedy
    return found
