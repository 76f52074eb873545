"""Doctests are looked for in every file; an adapter can be read only beside its framework."""

from importlib.util import find_spec

FRAMEWORKS = ("lightning", "skorch", "transformers")

collect_ignore = [f"fitwell/adapters/{name}.py" for name in FRAMEWORKS if find_spec(name) is None]
