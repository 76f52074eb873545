"""The container contract: where SageMaker puts what, and how it writes it down."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fitwell.errors import InputError

TRAIN_CHANNELS = ("train", "training")
UNUSED = "validation"
"""A channel that templates often send. fitwell sets its own validation rows aside."""

CODE_CHANNELS = {"code", "sm_drivers"}
"""Channels in which the SDK (version 3) ships code; they hold no data."""

CHECKPOINTS = "/opt/ml/checkpoints"
"""Where AWS keeps a job's checkpoints equal to those in S3, unless told otherwise."""


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

    def hyperparameters(self) -> dict[str, str]:
        """Read the hyperparameters as text, see `freed`."""
        return freed(self._config("hyperparameters"))

    def hosts(self) -> int:
        """Count the machines of the job."""
        return len(self._config("resourceconfig").get("hosts", [])) or 1

    def channels(self) -> list[str]:
        """Name the channels that hold data."""
        folder = self.base / "input" / "data"
        there = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
        return [name for name in there if name not in CODE_CHANNELS and (folder / name).is_dir()]

    def channel(self, name: str) -> Path:
        """Give the one data file of a channel, or its folder if it holds images.

        Raises:
            InputError: the channel holds no file, or several.
        """
        folder = self.base / "input" / "data" / name
        there = [path for path in folder.iterdir() if path.name[0] not in "._"]
        files = sorted(path for path in there if path.is_file())
        if there and not files:
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

    def _config(self, name: str) -> dict[str, Any]:
        path = self.base / "input" / "config" / f"{name}.json"
        if not path.is_file():
            return {}
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise InputError(f"{path.name} is not a JSON file: {error}. Write it anew.") from error
        if not isinstance(content, dict):
            raise InputError(f"{path.name} holds no JSON object. Write it anew.")
        return content


def freed(hyperparameters: Mapping[str, Any]) -> dict[str, str]:
    """Give hyperparameters as text, freed of the quotes that JSON puts around it.

    SDK version 2 writes ``"\\"adam\\""``, version 3 writes ``adam``: both are read. What
    says ``null`` counts as not given; names that SageMaker itself adds are left out.
    """
    texts = {name: unquoted(value) for name, value in hyperparameters.items()}
    return {
        name: text
        for name, text in texts.items()
        if text != "null" and not name.startswith(("sagemaker_", "_tuning_"))
    }


def unquoted(value: Any) -> str:
    r"""Give a hyperparameter's text: JSON strings are unpacked, everything else stays.

    SDK version 2 quotes twice: a categorical 0 arrives as ``"\"0\""``. A number is not
    read here, so that a column called ``1e5`` keeps its name.

    >>> unquoted('"adam"'), unquoted("adam"), unquoted('"\\"0\\""'), unquoted("1e5")
    ('adam', 'adam', '0', '1e5')
    """
    if not isinstance(value, str):
        return json.dumps(value)
    try:
        decoded = json.loads(value)
    except ValueError:
        return value
    return unquoted(decoded) if isinstance(decoded, str) else value
