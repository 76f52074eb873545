"""AWS's own SDK, version 2 or 3, each in an environment of its own: both are called sagemaker."""

import json
import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from sagemaker.twin import KEYS

WANTED = {2: "sagemaker>=2.257,<3", 3: "sagemaker>=3.27,<4"}
AT = Path(sys.prefix) / "sdk"
"""They are kept, since one takes a minute or two to install."""

QUIET = "SchemaVersion: '1.0'\nSageMaker: {PythonSDK: {Modules: {TelemetryOptOut: true}}}\n"
"""Without it the SDK calls home."""


def python_of(version):
    """Give the Python that has an SDK; skip the test where it cannot be installed."""
    python = AT / str(version) / "bin" / "python"
    ready = python.with_name("ready")
    if not ready.exists():
        venv.create(AT / str(version), with_pip=True, clear=True)
        install = [python, "-m", "pip", "install", "--quiet", WANTED[version]]
        ended = subprocess.run(install, capture_output=True, text=True)
        if ended.returncode:
            pytest.skip(f"{WANTED[version]} cannot be installed: {ended.stderr[-200:]}")
        ready.touch()
    return python


def submit(version, address, folder, asked):
    """Let an SDK send a request to moto's server."""
    config = folder / "sdk.yaml"
    config.write_text(QUIET)
    script = Path(__file__).with_name(f"submit_v{version}.py")
    environment = {
        **os.environ,
        **KEYS,
        "AWS_ENDPOINT_URL": address,
        "SAGEMAKER_USER_CONFIG_OVERRIDE": str(config),
        "SAGEMAKER_VALIDATE_ROLE": "false",  # moto lacks iam:SimulatePrincipalPolicy
    }
    ended = subprocess.run(
        [python_of(version), script, json.dumps(asked)],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
