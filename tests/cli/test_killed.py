"""A run that is killed again and again ends as one that was left alone."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from toys import make_frame, timeless

KILLS = 20
FITWELL = Path(sys.executable).with_name("fitwell")


def command(out):
    resume = ["--resume"] if (out / "run.json").exists() else ["--force"]
    return [
        FITWELL, "tune", "table.csv", "--target", "bought", "--trials", "64", "--epochs", "60",
        "--widths", "128,128", "--seeds", "2", "--quiet", "--workers", "2", "--out", out, *resume,
    ]  # fmt: skip


def result(out):
    return timeless(json.loads((out / "result.json").read_text()))


@pytest.mark.slow
def test_twenty_kills_at_random_moments_change_nothing(tmp_path):
    make_frame(rows=1500).to_csv(tmp_path / "table.csv", index=False)
    run = {
        "cwd": tmp_path,
        "env": {**os.environ, "OMP_NUM_THREADS": "1"},
        "stdout": subprocess.DEVNULL,
        "start_new_session": True,
    }
    whole = tmp_path / "whole"
    begun = time.perf_counter()
    subprocess.run(command(whole), check=True, **run)
    length = time.perf_counter() - begun
    draw = random.Random(0)
    killed, ended, out = 0, 0, tmp_path / "cut-0"
    while killed < KILLS:
        process = subprocess.Popen(command(out), **run)
        try:
            # At any moment from the first file on; half of them before a third of the run.
            process.wait(draw.uniform(0.15, 0.8) * length)
            ended += 1
            assert process.returncode == 0
            assert result(out) == result(whole)
            out = tmp_path / f"cut-{ended}"
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            killed += 1
    subprocess.run(command(out), check=True, **run)
    assert result(out) == result(whole)
