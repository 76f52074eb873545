"""The user's own arms, from a YAML file."""

from pathlib import Path
from typing import Any, get_args, get_type_hints

from fitwell.comparison.arms import ALL_NAMES, ArmPlan
from fitwell.errors import InputError
from fitwell.recipe import Recipe
from fitwell.remedies import all_remedies
from fitwell.remedies.remedy import Setting

SETTABLE = (
    "epochs", "batch_size", "learning_rate", "schedule", "patience", "class_weights", "l1", "l2",
    "decay_epochs", "dropout", "fades", "batch_norm", "sampling", "width", "removed_layers",
)  # fmt: skip
"""Fields of the recipe that an arm may set."""

STOP = "early stopping"


def read_arms(path: Path) -> tuple[ArmPlan, ...]:
    """Read arms from a YAML file.

    Each has a ``name``, ``remedies`` that are searched and ``settings`` that are not, fields of
    `Recipe`; both may be missing. All of them stop early.

    .. code-block:: yaml

        arms:
          - name: dropout alone
            remedies: [dropout]
          - name: half the width, tuned
            settings: {width: 0.5}
            remedies: [l1, decoupled L2, dropout]

    Raises:
        InputError: the file, naming the arm and what was expected.
    """
    import yaml

    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"--arms {path} cannot be read: {error.strerror}.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"--arms {path} is not YAML: {reason}.") from error
    listed = found.get("arms") if isinstance(found, dict) else None
    if not isinstance(listed, list) or not listed or set(found) != {"arms"}:
        raise InputError(
            f"--arms {path}: a list under 'arms' and nothing else is expected. Begin it with"
            " 'arms:' and write each arm as '- name: dropout alone' with 'remedies: [dropout]'."
        )
    arms = tuple(_arm(f"--arms {path}, arm {n}", one) for n, one in enumerate(listed, start=1))
    names = [arm.name for arm in arms]
    for name in names:
        if names.count(name) > 1 or name in ALL_NAMES:
            raise InputError(f"--arms {path}: the name {name!r} is taken. Choose another.")
    return arms


def _arm(where: str, given: Any) -> ArmPlan:
    if not isinstance(given, dict) or not isinstance(given.get("name"), str):
        raise InputError(f"{where} has no name. Write '- name: dropout alone'.")
    where = f"{where} ({given['name']})"
    for key in given:
        if key not in ("name", "remedies", "settings"):
            raise InputError(f"{where}: {key!r} is unknown; name, remedies and settings are known.")
    remedies, settings = given.get("remedies") or [], given.get("settings") or {}
    if not isinstance(remedies, list):
        raise InputError(f"{where}: remedies is {remedies!r}, but a list is expected.")
    if not isinstance(settings, dict):
        raise InputError(f"{where}: settings is {settings!r}, but names with values are expected.")
    known = [name for name, remedy in all_remedies().items() if remedy.parameters]
    for name in remedies:
        if name not in known:
            raise InputError(f"{where}: remedy {name!r} is unknown. Known are {', '.join(known)}.")
    for name, value in settings.items():
        _check(where, name, value)
    plan = ArmPlan(name=given["name"], remedies=(STOP, *remedies), settings=tuple(settings.items()))
    try:
        plan.set_up(Recipe())
    except InputError as error:
        raise InputError(f"{where}: {error}") from error
    return plan


def _check(where: str, name: str, value: Setting) -> None:
    if name not in SETTABLE:
        raise InputError(f"{where}: setting {name!r} is unknown. Known are {', '.join(SETTABLE)}.")
    kind = get_type_hints(Recipe)[name]
    words = get_args(kind)
    if words and value not in words:
        raise InputError(
            f"{where}: {name} is {value!r}, but one of {', '.join(words)} is expected."
        )
    wanted = {float: (int, float), int: (int,), bool: (bool,)}.get(kind, (str,))
    if not words and (
        not isinstance(value, wanted) or (isinstance(value, bool) and kind is not bool)
    ):
        told = {float: "a number", int: "a whole number", bool: "true or false"}[kind]
        raise InputError(f"{where}: {name} is {value!r}, but {told} is expected.")
