"""The image's command ``serve``: the model that SageMaker unpacked, at the port that it names."""

import shutil
import signal

import pytest
from click.testing import CliRunner

from fitwell.cli import main
from serving.live import FITWELL, free_port, running
from toys import make_frame


def test_a_model_of_a_job_is_served_as_it_predicts(job, tmp_path):
    make_frame().to_csv(tmp_path / "table.csv", index=False)
    question = ["--target", "bought", "--trials", "1", "--epochs", "2", "--seeds", "1", "--force"]
    CliRunner().invoke(
        main, ["tune", str(tmp_path / "table.csv"), *question, "--out", str(job.model)]
    )
    rows = make_frame(seed=3).drop(columns="bought")
    rows.to_csv(tmp_path / "rows.csv", index=False)
    predicted = CliRunner().invoke(main, ["predict", str(job.model), str(tmp_path / "rows.csv")])
    port = free_port()
    command = [FITWELL.with_name("fitwell-sagemaker"), "serve"]
    with running(command, port, job.environment(SAGEMAKER_BIND_TO_PORT=str(port))) as server:
        answer = server.post(rows.to_csv(index=False), accept="text/csv")
        assert answer.text == predicted.stdout
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(20) == 0


@pytest.mark.slow
def test_a_container_without_a_model_and_a_misspelt_port_end_with_one_line(job):
    shutil.rmtree(job.base)
    job.model.mkdir(parents=True)
    ended = job.run("fitwell-sagemaker", "serve")
    assert ended.returncode == 2
    assert ended.stderr.startswith(f"fitwell: {job.model} ")
    assert ended.stderr.count("\n") == 1
    ended = job.run("fitwell-sagemaker", "serve", SAGEMAKER_BIND_TO_PORT="http")
    assert ended.returncode == 2
    assert ended.stderr == (
        "fitwell: SAGEMAKER_BIND_TO_PORT is 'http', but a whole number above 0 is expected. Set it"
        " so.\n"
    )


@pytest.mark.parametrize("word", ["deploy", "--help"])
def test_the_two_commands_are_named(job, word):
    ended = job.run("fitwell-sagemaker", word)
    assert ended.returncode == (0 if word == "--help" else 2)
    assert "serve" in ended.stdout
