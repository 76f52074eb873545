"""What moto does not have: the wire is read by a server that writes down what it is asked."""

import json
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

pytest.importorskip("boto3", reason="boto3 is not installed: pip install 'fitwell[aws]'")

from click.testing import CliRunner

from fitwell.cli import main
from fitwell.sagemaker import Aws, fetch, status, stop, wait
from fitwell.sagemaker.states import KINDS
from sagemaker.bodies import IMAGE, ROLE


@contextmanager
def listening(*answers):
    """Answer one request after the other, and write down operation and body."""
    left, asked = list(answers), []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked.append((self.headers["X-Amz-Target"], body))
            content = json.dumps(left.pop(0)).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield Aws(region="us-east-1", endpoint_url=f"http://127.0.0.1:{server.server_port}"), asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(autouse=True)
def keys(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.delenv("AWS_PROFILE", raising=False)


@pytest.mark.parametrize(
    ("kind", "operation", "body"),
    [
        ("training", "StopTrainingJob", {"TrainingJobName": "a"}),
        ("tuning", "StopHyperParameterTuningJob", {"HyperParameterTuningJobName": "a"}),
        ("transform", "StopTransformJob", {"TransformJobName": "a"}),
        ("endpoint", "DeleteEndpoint", {"EndpointName": "a"}),
    ],
)
def test_a_stop_asks_for_the_right_thing(kind, operation, body):
    with listening({}) as (aws, asked):
        stop("a", kind=kind, aws=aws)
    assert asked == [(f"SageMaker.{operation}", body)]


def test_every_kind_s_words_are_those_of_the_service():
    import botocore.session

    service = botocore.session.get_session().get_service_model("sagemaker")
    for kind in KINDS.values():
        found = service.operation_model(f"Describe{kind.noun}").output_shape
        assert f"{kind.noun}Name" in found.members
        assert set(kind.running) <= set(found.members[kind.status].enum)
        assert f"{kind.noun}Name" in service.operation_model(kind.stop).input_shape.members


FAILED = {
    "TrainingJobName": "a",
    "TrainingJobStatus": "Failed",
    "FailureReason": "AlgorithmError: hyperparameter 'targt' is unknown.\nDid you mean target?",
    "BillableTimeInSeconds": 1800,
    "ResourceConfig": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 30},
    "FinalMetricDataList": [{"MetricName": "fitwell_gap", "Value": 0.25, "Timestamp": 1.7e9}],
    "OutputDataConfig": {"S3OutputPath": "s3://bucket/jobs"},
}


def test_a_failed_job_says_why_and_what_it_cost_and_ends_with_1(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "p.yaml").write_text("ml.m5.xlarge: 0.25")
    with listening(FAILED) as (aws, _):
        where = ["--region", aws.region, "--endpoint-url", aws.endpoint_url]
        told = CliRunner().invoke(main, ["sagemaker", "status", "a", "--prices", "p.yaml", *where])
    assert told.exit_code == 1
    assert told.stdout.splitlines() == [
        "training a: Failed",
        "  reason: AlgorithmError: hyperparameter 'targt' is unknown. Did you mean target?",
        "  fitwell_gap: 0.25",
        "  billed: 1800 s of 1 x ml.m5.xlarge",
        "  cost by p.yaml: 0.12",
    ]


def test_a_failed_job_is_not_fetched(tmp_path):
    from fitwell.errors import InputError

    with listening(FAILED) as (aws, _), pytest.raises(InputError) as caught:
        fetch("a", tmp_path / "run", aws=aws)
    assert str(caught.value) == (
        "job a is Failed, not Completed. AlgorithmError: hyperparameter 'targt' is unknown. Did you"
        " mean target. Run it anew."
    )
    assert list(tmp_path.iterdir()) == []


def test_waiting_ends_when_nothing_changes_any_more():
    running = {**FAILED, "TrainingJobStatus": "InProgress"}
    ended = {**FAILED, "TrainingJobStatus": "Completed"}
    told = []
    with listening(running, running, ended) as (aws, asked):
        state = wait("a", aws=aws, every=0.01, tell=lambda now: told.append(now.state))
    assert (state.state, told, len(asked)) == ("Completed", ["InProgress", "Completed"], 3)


def test_a_status_names_the_best_job_of_a_tuning():
    found = {
        "HyperParameterTuningJobName": "t",
        "HyperParameterTuningJobStatus": "Completed",
        "BestTrainingJob": {"TrainingJobName": "t-007", "TrainingJobArn": "arn", "TunedHyperParameters": {},
                            "CreationTime": 1.7e9, "TrainingJobStatus": "Completed"},
    }  # fmt: skip
    with listening(found) as (aws, _):
        assert status("t", kind="tuning", aws=aws).best == "t-007"


def test_boto3_that_is_not_installed_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "boto3", None)
    told = CliRunner().invoke(main, ["sagemaker", "status", "a"])
    assert (told.exit_code, told.stderr) == (
        2,
        "fitwell: fitwell sagemaker needs boto3. Install it: pip install 'fitwell[aws]'\n",
    )


WHERE = ("--role", ROLE, "--image", IMAGE, "--s3", "s3://bucket", "--dry-run")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--early-stopping", "Auto"),
         "--early-stopping is for --automatic. Add it, or leave --early-stopping out."),
        (("--warm-start", "x"),
         "--warm-start is for --automatic. Add it, or leave --warm-start out."),
        (("--tag", "team"), "--tag is 'team', but NAME=VALUE is expected."),
        (("--max-run", "soon"),
         "--max-run is 'soon', but a time such as 90m or 24h is expected."),
        ((), "none.csv is not a file and holds none. Name a data file or a folder."),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_for_is_one_line(tmp_path, monkeypatch, words, message):
    monkeypatch.chdir(tmp_path)
    told = CliRunner().invoke(main, ["sagemaker", "tune", "none.csv", *WHERE, *words])
    assert (told.exit_code, told.stderr) == (2, f"fitwell: {message}\n")


def test_role_image_and_place_are_needed(tmp_path):
    told = CliRunner().invoke(main, ["sagemaker", "tune", "table.csv"], env={
        f"FITWELL_SAGEMAKER_{name}": "" for name in ("ROLE", "IMAGE", "S3")
    })  # fmt: skip
    assert told.exit_code == 2
    assert told.stderr.startswith("fitwell: --role is missing. Give it, or set")
