"""The container contract: where SageMaker puts what, and how it writes it down."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fitwell.errors import InputError

CODE_CHANNELS = {"code", "sm_drivers"}
"""Channels in which the SDK (version 3) ships code; they hold no data."""


@dataclass(frozen=True)
class JobFolders:
    """The folders of a training job; ``/opt/ml`` unless SAGEMAKER_BASE_DIR says otherwise."""

    base: Path

    @classmethod
    def from_environment(cls) -> "JobFolders":
        """Find them."""
        return cls(Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml")))

    @property
    def model(self) -> Path:
        """What becomes model.tar.gz."""
        return Path(os.environ.get("SM_MODEL_DIR", self.base / "model"))

    @property
    def output_data(self) -> Path:
        """What becomes output.tar.gz."""
        return Path(os.environ.get("SM_OUTPUT_DATA_DIR", self.base / "output" / "data"))

    @property
    def failure(self) -> Path:
        """Its first 1,024 characters are shown as the job's FailureReason."""
        return Path(os.environ.get("SM_OUTPUT_DIR", self.base / "output")) / "failure"

    @property
    def checkpoints(self) -> Path:
        """A folder that outlives an interrupted job, by convention."""
        return self.base / "checkpoints"

    def hyperparameters(self) -> dict[str, Any]:
        """Read the hyperparameters, each as JSON where it is JSON, else as it stands.

        SDK version 2 writes ``"\\"adam\\""``, version 3 writes ``adam``: both are read.
        Names that SageMaker itself adds are left out.
        """
        path = self.base / "input" / "config" / "hyperparameters.json"
        raw = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        return {
            name: _decoded(value)
            for name, value in raw.items()
            if not name.startswith(("sagemaker_", "_tuning_"))
        }

    def channel(self, name: str) -> Path | None:
        """Give the one data file of a channel, or its folder if it holds images.

        Raises:
            InputError: the channel holds several tables.
        """
        folder = self.base / "input" / "data" / name
        if not folder.is_dir():
            return None
        files = sorted(p for p in folder.iterdir() if p.is_file() and p.name[0] != ".")
        if any(p.is_dir() for p in folder.iterdir()) and not files:
            return folder
        if len(files) != 1:
            raise InputError(
                f"channel {name} holds {len(files)} files, but one CSV, Parquet or npz file, or"
                " one folder per class, is expected. Put the rows into one file."
            )
        return files[0]

    def fail(self, message: str) -> None:
        """Write the failure file."""
        self.failure.parent.mkdir(parents=True, exist_ok=True)
        self.failure.write_text(message[:1024], encoding="utf-8")


def _decoded(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        decoded = json.loads(value)
    except ValueError:
        return value
    # SDK version 2 quotes twice: "\"0\"" for a categorical 0.
    return _decoded(decoded) if isinstance(decoded, str) and decoded != value else decoded


def as_options(given: Mapping[str, Any], known: Mapping[str, type]) -> dict[str, Any]:
    """Turn hyperparameters into options: dashes to underscores, types as expected.

    Raises:
        InputError: an unknown name, with the near one suggested, or a value of another
            type.
    """
    import difflib

    found: dict[str, Any] = {}
    for name, value in given.items():
        key = name.replace("-", "_")
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f"; did you mean {near[0]}?" if near else f". Known are {', '.join(known)}."
            raise InputError(f"hyperparameter {name!r} is unknown{hint}")
        found[key] = _typed(name, value, known[key])
    return found


def _typed(name: str, value: Any, kind: type) -> Any:
    problem = InputError(
        f"hyperparameter {name} is {value!r}, but {kind.__name__} is expected. Correct it."
    )
    if kind is bool:
        if str(value).lower() not in ("true", "false", "1", "0"):
            raise problem
        return str(value).lower() in ("true", "1")
    if kind is str:
        return str(value)
    try:
        number = kind(value)
    except (TypeError, ValueError) as error:
        raise problem from error
    if kind is int and float(value) != number:
        raise problem
    return number
