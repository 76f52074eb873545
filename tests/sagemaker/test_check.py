"""The request checker finds what is planted, and leaves good requests alone."""

import re

import pandas as pd
import pytest

pytest.importorskip("botocore", reason="boto3 is not installed: pip install 'fitwell[aws]'")

from fitwell.errors import InputError
from fitwell.sagemaker.check import RULES, check, must_pass
from fitwell.sagemaker.shapes import python_pattern
from sagemaker.bodies import GOOD, channel, numbers

CONFIG = "HyperParameterTuningJobConfig"
RANGES = f"{CONFIG}.ParameterRanges"
SPEC = "AlgorithmSpecification"
GONE = object()

PLANTED = [
    # What the service's own model knows.
    ("training", "RoleArn", GONE, "RoleArn is missing."),
    ("training", "Rolearn", "x", "Rolearn is unknown. Did you mean RoleArn?"),
    ("training", "ResourceConfig.InstanceCount", "1",
     "ResourceConfig.InstanceCount is '1', but a whole number is expected."),
    ("training", "ResourceConfig.InstanceCount", True,
     "ResourceConfig.InstanceCount is True, but a whole number is expected."),
    ("training", "HyperParameters.trials", 64,
     "HyperParameters.trials is 64, but text is expected."),
    ("training", "ResourceConfig.InstanceType", "ml.m5.xlarg",
     "ResourceConfig.InstanceType is 'ml.m5.xlarg', but it is unknown. Did you mean"
     " ml.m5.xlarge?"),
    ("training", "TrainingJobName", "my job",
     "TrainingJobName is 'my job', but the pattern [a-zA-Z0-9](-*[a-zA-Z0-9]){0,62} is expected."),
    ("training", "RoleArn", "arn:aws:iam::12:role/fitwell",
     "RoleArn is 'arn:aws:iam::12:role/fitwell', but the pattern"
     r" arn:aws[a-z\-]*:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+ is expected."),
    ("training", "VpcConfig", {"Subnets": ["subnet-1"], "SecurityGroupIds": []},
     "VpcConfig.SecurityGroupIds has 0 entries, but at least 1 entries are expected."),
    ("training", f"{SPEC}.MetricDefinitions[0].Regex", "x" * 501,
     f"{SPEC}.MetricDefinitions[0].Regex has 501 characters, but at most 500 characters are"
     " expected."),
    ("training", "StoppingCondition.MaxRuntimeInSeconds", 0,
     "StoppingCondition.MaxRuntimeInSeconds is 0, but at least 1 are expected."),
    ("training", "OutputDataConfig", "s3://bucket/jobs",
     "OutputDataConfig is 's3://bucket/jobs', but an object is expected."),
    ("spot", "Tags[0].Value", "50 % off",
     r"Tags[0].Value is '50 % off', but the pattern ([\p{L}\p{Z}\p{N}_.:/=+\-@]*) is expected."),
    # What it does not know, of a training job.
    ("spot", "StoppingCondition.MaxWaitTimeInSeconds", GONE,
     "StoppingCondition.MaxWaitTimeInSeconds is missing, but EnableManagedSpotTraining is true."),
    ("spot", "StoppingCondition.MaxWaitTimeInSeconds", 3599,
     "StoppingCondition.MaxWaitTimeInSeconds is 3599, but at least MaxRuntimeInSeconds = 3600 is"
     " expected."),
    ("spot", "EnableManagedSpotTraining", False,
     "StoppingCondition.MaxWaitTimeInSeconds is 7200, but EnableManagedSpotTraining is not true."),
    ("spot", "CheckpointConfig", GONE,
     "CheckpointConfig is missing: a job that AWS interrupts would begin anew. Name an S3Uri."),
    ("spot", "CheckpointConfig.LocalPath", "/opt/ml/elsewhere",
     "CheckpointConfig.LocalPath is '/opt/ml/elsewhere', but fitwell keeps its search in"
     " /opt/ml/checkpoints. Leave the key out."),
    ("spot", "Tags[0].Key", "aws:owner",
     "Tags[0].Key is 'aws:owner', but aws: is kept for AWS itself."),
    ("spot", "Tags", [{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}],
     "Tags has the key 'a' 2 times."),
    ("training", "StoppingCondition.MaxRuntimeInSeconds", 2_419_201,
     "StoppingCondition.MaxRuntimeInSeconds is 2419201, but at most 28 days = 2419200 are"
     " expected."),
    ("training", "OutputDataConfig.S3OutputPath", "https://bucket/jobs",
     "OutputDataConfig.S3OutputPath is 'https://bucket/jobs', but s3://bucket/prefix is expected."),
    ("training", "ResourceConfig.InstanceCount", 2,
     "ResourceConfig.InstanceCount is 2, but fitwell trains on 1. Take a larger instance for more"
     " workers."),
    ("training", "ResourceConfig.VolumeSizeInGB", GONE, "ResourceConfig.VolumeSizeInGB is missing."),
    ("training", "ResourceConfig.VolumeSizeInGB", 0,
     "ResourceConfig.VolumeSizeInGB is 0, but at least 1 is expected."),
    ("training", "InputDataConfig", [channel("train"), channel("train")],
     "InputDataConfig has the channel 'train' 2 times."),
    ("training", "InputDataConfig", [channel("train"), channel("training")],
     "InputDataConfig needs one channel train, or training."),
    ("training", "InputDataConfig", [channel("test")],
     "InputDataConfig needs one channel train, or training."),
    ("training", "InputDataConfig", [channel(), channel("eval")],
     "InputDataConfig[1].ChannelName is 'eval', but train, test or validation is expected."),
    ("training", f"{SPEC}.TrainingInputMode", "Pipe",
     f"{SPEC}.TrainingInputMode is 'Pipe', but files are read."),
    ("training", "InputDataConfig", [channel(InputMode="Pipe")],
     "InputDataConfig[0].InputMode is 'Pipe', but files are read."),
    ("training", f"{SPEC}.TrainingImage", GONE,
     f"{SPEC}.TrainingImage is missing: name fitwell's image."),
    ("training", f"{SPEC}.AlgorithmName", "xgboost",
     f"{SPEC}.AlgorithmName stands beside TrainingImage."),
    ("training", f"{SPEC}.MetricDefinitions[0].Regex", "fitwell_objective=(.*?)",
     f"{SPEC}.MetricDefinitions[0].Regex is 'fitwell_objective=(.*?)', which does not capture the"
     " number of a line such as 'fitwell_objective=1e-05;'."),
    ("training", f"{SPEC}.MetricDefinitions[0].Regex", "fitwell_objective=([0-9.]+);",
     f"{SPEC}.MetricDefinitions[0].Regex is 'fitwell_objective=([0-9.]+);', which does not capture"
     " the number of a line such as 'fitwell_objective=1e-05;'."),
    ("training", f"{SPEC}.MetricDefinitions[0].Regex", "fitwell_objective=[-+0-9.eE]+;",
     f"{SPEC}.MetricDefinitions[0].Regex is 'fitwell_objective=[-+0-9.eE]+;', which captures"
     " nothing. Put brackets around the number."),
    ("training", f"{SPEC}.MetricDefinitions[0].Regex", "fitwell_objective=(",
     f"{SPEC}.MetricDefinitions[0].Regex is 'fitwell_objective=(', which is no regular expression:"
     " missing ), unterminated subpattern at position 18."),
    ("training", f"{SPEC}.MetricDefinitions[0]", {"Name": "mine", "Regex": "loss=([0-9.]+);"},
     f"{SPEC}.MetricDefinitions[0].Regex is 'loss=([0-9.]+);', which does not capture the number of"
     " a line such as 'fitwell_gap=1e-05;'."),
    ("training", "HyperParameters.targt", "outcome",
     "HyperParameters would be refused by the job: hyperparameter 'targt' is unknown. Did you mean"
     " target?"),
    ("training", "HyperParameters.trials", "0",
     "HyperParameters would be refused by the job: --trials is 0, but at least 1 is expected."),
    # Of a tuning job.
    ("tuning", f"{RANGES}.ContinuousParameterRanges[0]", numbers(low="0"),
     f"{RANGES}.ContinuousParameterRanges[0].MinValue is 0.0, but a logarithmic scale begins above"
     " 0."),
    ("tuning", f"{RANGES}.ContinuousParameterRanges[0]", numbers(low="1e-1"),
     f"{RANGES}.ContinuousParameterRanges[0].MinValue is 0.1, but less than MaxValue = 0.01 is"
     " expected."),
    ("tuning", f"{RANGES}.ContinuousParameterRanges[0]", numbers(low="tiny"),
     f"{RANGES}.ContinuousParameterRanges[0].MinValue is 'tiny', but a number is expected."),
    ("tuning", f"{RANGES}.IntegerParameterRanges[0]", numbers("epochs", "1.5", "60", "Linear"),
     f"{RANGES}.IntegerParameterRanges[0].MinValue is '1.5', but a whole number is expected."),
    ("tuning", f"{RANGES}.ContinuousParameterRanges[0]",
     numbers(low="0.5", high="1", scale="ReverseLogarithmic"),
     f"{RANGES}.ContinuousParameterRanges[0].ScalingType is ReverseLogarithmic, but the range is"
     " 0.5 to 1.0: fractions from 0 to below 1 are expected."),
    ("tuning", f"{RANGES}.ContinuousParameterRanges[0]", numbers(scale="Log"),
     f"{RANGES}.ContinuousParameterRanges[0].ScalingType is 'Log', but one of Auto, Linear,"
     " Logarithmic, ReverseLogarithmic is expected."),
    ("tuning", f"{CONFIG}.HyperParameterTuningJobObjective.MetricName", "val_loss",
     f"TrainingJobDefinition.{SPEC}.MetricDefinitions does not have the objective 'val_loss', so"
     " that no job would have a value."),
    ("tuning", CONFIG, {"Strategy": "Hyperband", "TrainingJobEarlyStoppingType": "Auto"},
     f"{CONFIG}.TrainingJobEarlyStoppingType is 'Auto', but Hyperband stops jobs by itself and"
     " needs 'Off'."),
    ("tuning", CONFIG, {"Strategy": "Grid"}, f"{RANGES} has numbers, but a grid takes categories"
     " only."),
    ("tuning", f"{CONFIG}.StrategyConfig",
     {"HyperbandStrategyConfig": {"MinResource": 9, "MaxResource": 3}},
     f"{CONFIG}.StrategyConfig.HyperbandStrategyConfig.MinResource is 9, but less than 3 is"
     " expected."),
    ("tuning", f"{CONFIG}.ResourceLimits", {"MaxParallelTrainingJobs": 4},
     f"{CONFIG}.ResourceLimits.MaxNumberOfTrainingJobs is missing."),
    ("tuning", f"{CONFIG}.ResourceLimits.MaxParallelTrainingJobs", 21,
     f"{CONFIG}.ResourceLimits.MaxParallelTrainingJobs is 21, but at most MaxNumberOfTrainingJobs ="
     " 20 is expected."),
    ("tuning", f"TrainingJobDefinition.{SPEC}.ContainerEntrypoint", ["fitwell-sagemaker"],
     f"TrainingJobDefinition.{SPEC}.ContainerEntrypoint cannot be given in a tuning job: the image"
     " itself must answer 'train'."),
    ("tuning", "TrainingJobDefinition", GONE,
     "TrainingJobDefinition or TrainingJobDefinitions is expected, one of the two and not both."),
    ("tuning", "TrainingJobDefinition.StaticHyperParameters.epochs", "30",
     f"{RANGES} has the hyperparameter 'epochs' 2 times."),
    ("tuning", f"{RANGES}.ContinuousParameterRanges[0]", numbers("learning_rat"),
     f"{RANGES} at its MinValue would be refused by the job: hyperparameter 'learning_rat' is"
     " unknown. Did you mean learning_rate?"),
    ("tuning", RANGES, {}, f"{RANGES} names nothing to tune."),
    ("tuning", "TrainingJobDefinition.InputDataConfig", [channel("test")],
     "TrainingJobDefinition.InputDataConfig needs one channel train, or training."),
    ("tuning", "WarmStartConfig.ParentHyperParameterTuningJobs",
     [{"HyperParameterTuningJobName": "fitwell-t"}],
     "WarmStartConfig.ParentHyperParameterTuningJobs has the tuning job itself."),
    # Of what serves.
    ("model", "ExecutionRoleArn", GONE,
     "ExecutionRoleArn is missing: the model could not read its archive."),
    ("model", "PrimaryContainer.ModelDataUrl", "s3://bucket/model.zip",
     "PrimaryContainer.ModelDataUrl is 's3://bucket/model.zip', but a file .tar.gz is expected."),
    ("model", "PrimaryContainer.ModelDataUrl", GONE,
     "PrimaryContainer.ModelDataUrl is missing: there would be no model."),
    ("endpoint config", "ProductionVariants[0].InitialInstanceCount", GONE,
     "ProductionVariants[0].InitialInstanceCount is missing."),
    ("endpoint config", "ProductionVariants[0].InitialVariantWeight", 0.0,
     "ProductionVariants have weights of 0 altogether: none gets a request."),
    ("endpoint", "EndpointName", "fitwell_1",
     "EndpointName is 'fitwell_1', but the pattern [a-zA-Z0-9](-*[a-zA-Z0-9]){0,62} is expected."),
    ("transform", "TransformInput.ContentType", "application/x-recordio",
     "TransformInput.ContentType is 'application/x-recordio', but one of text/csv,"
     " application/json, application/jsonlines, application/x-parquet, application/x-npy,"
     " image/png, image/jpeg is read."),
    ("transform", "BatchStrategy", "MultiRecord",
     "BatchStrategy is 'MultiRecord', but SplitType is 'None'."),
    ("transform", "MaxPayloadInMB", 50, "MaxPayloadInMB is 50, but the server takes 20."),
]  # fmt: skip


def plant(body, path, value):
    """Set, or take away, what a path names; an object is merged into one that is there."""
    *way, last = [int(p) if p.isdigit() else p for p in re.findall(r"[^.\[\]]+", path)]
    for part in way:
        body = body[part]
    if value is GONE:
        del body[last]
    elif isinstance(value, dict) and last == CONFIG:
        body[last].update(value)
    else:
        body[last] = value


@pytest.mark.parametrize("kind", GOOD)
def test_a_good_request_passes(kind):
    operation, make = GOOD[kind]
    assert check(operation, make()) == ()
    must_pass(operation, make())


@pytest.mark.parametrize(
    ("kind", "path", "value", "line"),
    PLANTED,
    ids=[f"{number} {kind} {path}" for number, (kind, path, *_) in enumerate(PLANTED)],
)
def test_a_planted_defect_is_found_and_named(kind, path, value, line):
    operation, make = GOOD[kind]
    body = make()
    plant(body, path, value)
    assert line in [str(found) for found in check(operation, body)]
    with pytest.raises(InputError, match=re.escape(line)):
        must_pass(operation, body)


def test_all_defects_of_a_request_are_named_at_once():
    operation, make = GOOD["training"]
    body = make()
    del body["StoppingCondition"], body["OutputDataConfig"]
    body["ResourceConfig"]["InstanceCount"] = 2
    body["InputDataConfig"] = []
    assert [found.path for found in check(operation, body)] == [
        "OutputDataConfig", "InputDataConfig", "ResourceConfig.InstanceCount", "InputDataConfig"
    ]  # fmt: skip


def test_an_operation_that_there_is_not_is_refused():
    with pytest.raises(InputError) as caught:
        check("CreateTrainingJobs", {})
    assert str(caught.value) == (
        "SageMaker has no operation 'CreateTrainingJobs'. Correct its name."
    )


def test_botocore_that_is_not_installed_is_named(monkeypatch):
    import sys

    from fitwell.sagemaker import shapes

    shapes._input_of.cache_clear()
    monkeypatch.setitem(sys.modules, "botocore.session", None)
    with pytest.raises(InputError) as caught:
        check("CreateModel", {})
    assert str(caught.value) == (
        "a request is checked by botocore, which is not installed. Install it: pip install"
        " 'fitwell[aws]'"
    )


@pytest.mark.parametrize("operation", RULES)
def test_every_pattern_of_the_service_is_one_that_python_reads(operation):
    import botocore.session

    service = botocore.session.get_session().get_service_model("sagemaker")
    seen, patterns = set(), []

    def walk(shape):
        if shape.name in seen:
            return
        seen.add(shape.name)
        patterns.append(shape.metadata.get("pattern", ""))
        parts = {
            "structure": lambda: shape.members.values(),
            "list": lambda: [shape.member],
            "map": lambda: [shape.key, shape.value],
        }.get(shape.type_name, list)
        for part in parts():
            walk(part)

    walk(service.operation_model(operation).input_shape)
    assert len(patterns) > 5
    for text in patterns:
        re.compile(python_pattern(text))
        assert r"\p" not in python_pattern(text)


def test_tags_may_be_of_any_language_but_not_of_any_sign():
    pattern = python_pattern(r"([\p{L}\p{Z}\p{N}_.:/=+\-@]*)")
    for good in ("", "Größe 7", "서울", "a_b.c:d/e=f+g-h@i", "\u3000"):
        assert re.fullmatch(pattern, good)
    for bad in ("50 %", "a\tb", "x;y", "(a)", "a\n"):
        assert not re.fullmatch(pattern, bad)


def test_the_checker_knows_the_types_that_the_server_speaks():
    """The two rooms lie on one floor and do not import each other."""
    from fitwell.data.columns import TableEncoder, infer_columns
    from fitwell.data.images import ImageEncoder
    from fitwell.sagemaker import requests, serving_rules
    from fitwell.serving import answers, limits
    from fitwell.serving.bodies import Reader

    frame = pd.DataFrame({"age": [1.0, 2.0]})
    encoders = (
        TableEncoder.fit(frame, infer_columns(frame)),
        ImageEncoder((1, 8, 8), (0.0,), (1.0,)),
        None,
    )
    spoken = {kind for e in encoders for kind in Reader(e, (3,) if e is None else e.shape).kinds}
    assert set(serving_rules.SPOKEN) == spoken
    assert set(serving_rules.WRITTEN) == set(answers.WRITTEN)
    assert requests.PAYLOAD_MB == limits.MAX_BODY // 2**20
