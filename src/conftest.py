"""Doctests are looked for in every file; some can be read only beside a framework or a tool."""

from importlib.util import find_spec

ADAPTERS = ("lightning", "skorch", "transformers")
LOGGERS = ("mlflow", "tensorboard")

FILES = {f"fitwell/adapters/{name}.py": name for name in ADAPTERS}
FILES |= {f"fitwell/loggers/{name}.py": name for name in LOGGERS}

collect_ignore = [file for file, package in FILES.items() if find_spec(package) is None]
