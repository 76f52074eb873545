"""Every request that the package can build passes its own checker."""

import json
from dataclasses import replace

import pytest

pytest.importorskip("botocore", reason="boto3 is not installed: pip install 'fitwell[aws]'")

from hypothesis import assume, given
from hypothesis import strategies as some

from fitwell.errors import InputError
from fitwell.sagemaker.check import check
from fitwell.sagemaker.cloud import Cloud
from fitwell.sagemaker.contract import JobFolders
from fitwell.sagemaker.hyperparameters import as_options
from fitwell.sagemaker.requests import (
    Channel,
    as_texts,
    endpoint_body,
    endpoint_config_body,
    model_body,
    training_body,
    transform_body,
)
from fitwell.sagemaker.sweep import Sweep, tuning_body
from sagemaker.bodies import IMAGE, ROLE

BASE = {"role": ROLE, "image": IMAGE, "s3": "s3://bucket"}
WORD = some.from_regex(r"[a-z][a-z0-9]{0,8}", fullmatch=True)
NAME = some.from_regex(r"[a-zA-Z0-9](-?[a-zA-Z0-9]){0,25}", fullmatch=True)
FOLDER = some.builds("s3://bucket-{}/{}".format, WORD, WORD)
KEY = some.sampled_from(["", "alias/fitwell", "arn:aws:kms:us-east-1:123456789012:key/1a-2b"])
IDS = some.lists(WORD, min_size=1, max_size=3, unique=True).map(tuple)
PAIRS = some.dictionaries(WORD, WORD, max_size=4).map(lambda d: tuple(d.items()))
NETWORK = some.one_of(some.just(((), ())), some.tuples(IDS, IDS))
INSTANCES = some.sampled_from(["ml.m5.large", "ml.c5.4xlarge", "ml.g5.xlarge", "ml.m5.xlarge"])


@some.composite
def clouds(draw, trains=True):
    subnets, groups = draw(NETWORK)
    spot, run = draw(some.booleans()), draw(some.integers(1, 2_419_200))
    wait = draw(some.sampled_from([0, run, run + 60])) if spot else 0
    return Cloud(
        role=ROLE,
        image=IMAGE,
        s3=draw(FOLDER),
        instance_type=draw(INSTANCES),
        instance_count=1 if trains else draw(some.integers(1, 9)),
        volume_gb=draw(some.integers(1, 500)),
        max_run=run,
        spot=spot,
        max_wait=wait,
        checkpoints=draw(some.one_of(some.just(""), FOLDER)),
        subnets=subnets,
        security_groups=groups,
        volume_key=draw(KEY),
        output_key=draw(KEY),
        tags=draw(PAIRS),
        isolated=draw(some.booleans()),
        environment=draw(PAIRS),
        entrypoint=draw(some.sampled_from([(), ("fitwell-sagemaker",)])),
    )


@some.composite
def sweeps(draw):
    jobs = draw(some.integers(1, 500))
    return Sweep(
        jobs=jobs,
        at_once=draw(some.integers(1, jobs)),
        strategy=draw(some.sampled_from(["Bayesian", "Random"])),
        seed=draw(some.integers(0, 2**31 - 1)),
        early_stopping=draw(some.sampled_from(["Off", "Auto"])),
        parents=tuple(
            draw(some.lists(some.integers(1, 99).map("parent-{}".format), max_size=5, unique=True))
        ),
    )


COLUMN = some.text(some.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1)
OPTIONS = some.fixed_dictionaries(
    {"target": COLUMN},
    optional={
        "verb": some.sampled_from(["diagnose", "tune", "compare"]),
        "ignore": some.lists(COLUMN, min_size=1, max_size=3).map(tuple),
        "widths": some.lists(some.integers(1, 512), min_size=1, max_size=3).map(tuple),
        "trials": some.integers(1, 999),
        "seed": some.integers(0, 2**31 - 1),
        "l1": some.floats(0, 1),
        "dropout": some.floats(0, 0.9),
        "learning_rate": some.floats(1e-9, 10, exclude_min=True),
        "batch_norm": some.booleans(),
        "budget": some.sampled_from(["10m", "2h", "30s"]),
        "lang": some.sampled_from(["en", "ko"]),
    },
)
CHANNELS = some.builds(
    lambda train, more, uri: [Channel(name=name, uri=uri) for name in (train, *more)],
    some.sampled_from(["train", "training"]),
    some.sampled_from([(), ("test",), ("test", "validation")]),
    FOLDER,
)


@given(NAME, clouds(), CHANNELS, OPTIONS)
def test_every_training_that_can_be_built_passes(name, cloud, channels, options):
    try:
        texts = as_texts(options)
    except InputError:
        assume(False)
    body = training_body(name, cloud, channels, texts)
    assert check("CreateTrainingJob", body) == ()
    assert json.loads(json.dumps(body)) == body


@given(
    some.from_regex(r"a(-?[a-z0-9]){0,14}", fullmatch=True), clouds(), CHANNELS, OPTIONS, sweeps()
)
def test_every_tuning_job_that_can_be_built_passes(name, cloud, channels, options, sweep):
    cloud = replace(cloud, entrypoint=())
    try:
        texts = as_texts({k: v for k, v in options.items() if k != "verb"})
    except InputError:
        assume(False)
    body = tuning_body(name, cloud, channels, texts, sweep)
    assert check("CreateHyperParameterTuningJob", body) == ()
    assert json.loads(json.dumps(body)) == body


def test_a_strength_that_is_given_is_fixed_and_not_tuned():
    body = tuning_body(
        "a", Cloud(**BASE), [Channel(name="train", uri="s3://b")], {"l1": "1e-05"}, Sweep()
    )
    ranges = body["HyperParameterTuningJobConfig"]["ParameterRanges"]["ContinuousParameterRanges"]
    assert ranges == [
        {
            "Name": "decay_epochs",
            "MinValue": "5.0",
            "MaxValue": "110000.0",
            "ScalingType": "Logarithmic",
        },
        {"Name": "dropout", "MinValue": "0.0", "MaxValue": "0.5", "ScalingType": "Linear"},
    ]
    assert body["TrainingJobDefinition"]["StaticHyperParameters"] == {
        "verb": "tune", "trials": "1", "seeds": "1", "outside_is_off": "true", "l1": "1e-05"
    }  # fmt: skip
    assert body["HyperParameterTuningJobConfig"]["TrainingJobEarlyStoppingType"] == "Off"


@pytest.mark.parametrize(
    ("cloud", "given", "message"),
    [
        (
            {"entrypoint": ("fitwell-sagemaker",)},
            {},
            "--entrypoint: a tuning job cannot name the container's command. Use an image that answers 'train' by itself.",
        ),
        (
            {},
            {"l1": "0.0", "decay_epochs": "30.0", "dropout": "0.1"},
            "--automatic: l1, decay-epochs and dropout are all given. Leave one out.",
        ),
    ],
)
def test_a_tuning_job_that_cannot_be_is_refused(cloud, given, message):
    with pytest.raises(InputError) as caught:
        tuning_body("a", Cloud(**BASE, **cloud), [], given, Sweep())
    assert str(caught.value) == message


def test_a_sweep_that_cannot_be_is_refused():
    with pytest.raises(InputError) as caught:
        Sweep(jobs=2, at_once=3)
    assert str(caught.value) == "--at-once is 3, but 1 to --jobs is expected."


@given(NAME, clouds(trains=False), FOLDER, some.sampled_from(["text/csv", "application/x-npy"]))
def test_everything_that_serves_and_can_be_built_passes(name, cloud, folder, kind):
    data = Channel(name="data", uri=folder, content_type=kind)
    bodies = {
        "CreateModel": model_body(name, cloud, f"{folder}/model.tar.gz"),
        "CreateEndpointConfig": endpoint_config_body(name, cloud, name),
        "CreateEndpoint": endpoint_body(name, cloud, name),
        "CreateTransformJob": transform_body(name, cloud, name, data),
    }
    assert {
        operation: check(operation, body) for operation, body in bodies.items()
    } == dict.fromkeys(bodies, ())


@given(OPTIONS)
def test_options_arrive_in_a_job_as_they_were_given(tmp_path_factory, options):
    try:
        texts = as_texts(options)
    except InputError:
        assume(False)
    folders = JobFolders(tmp_path_factory.mktemp("ml"))
    config = folders.base / "input" / "config" / "hyperparameters.json"
    config.parent.mkdir(parents=True)
    config.write_text(json.dumps(texts))
    read = as_options(folders.hyperparameters())
    assert read == {
        **options,
        **{k: tuple(map(str, options[k])) for k in ("widths",) if k in options},
    }


def test_a_column_with_a_comma_in_its_name_stays_one_column():
    texts = as_texts({"ignore": ("city, or town", "id")})
    assert as_options(texts)["ignore"] == ("city, or town", "id")
    assert as_options(as_texts({"ignore": "city,id"}))["ignore"] == ("city", "id")
    with pytest.raises(InputError, match="which a job would read as"):
        as_texts({"ignore": (" city",)})


@pytest.mark.parametrize("name", ["null", '"x"', '"null"'])
def test_a_name_that_would_arrive_as_another_is_refused(name):
    with pytest.raises(InputError, match="which a job would read as"):
        as_texts({"target": name})


def test_options_that_no_job_takes_are_refused():
    with pytest.raises(InputError, match="Did you mean trials"):
        as_texts({"trial": 3})


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"s3": "bucket/x"}, "--s3 is 'bucket/x', but s3://bucket/prefix is expected."),
        ({"max_run": 0}, "--max-run is 0, but 1 s to 28 days is expected."),
        ({"max_wait": 9}, "--max-wait is 9, but --spot and at least --max-run is expected."),
        (
            {"spot": True, "max_run": 60, "max_wait": 59},
            "--max-wait is 59, but --spot and at least --max-run is expected.",
        ),
        (
            {"subnets": ("subnet-1",)},
            "--subnet is ('subnet-1',), but a --security-group beside it, or neither, is expected.",
        ),
        (
            {"tags": (("a", "1"), ("a", "2"))},
            "--tag is (('a', '1'), ('a', '2')), but each key once is expected.",
        ),
    ],
)
def test_options_that_do_not_fit_together_are_refused(wrong, message):
    with pytest.raises(InputError) as caught:
        Cloud(**{**BASE, **wrong})
    assert str(caught.value) == message


def test_what_is_not_given_is_not_sent():
    body = training_body("a", Cloud(**BASE), [Channel(name="train", uri="s3://b")], {})
    assert not body.keys() & {
        "VpcConfig", "Tags", "Environment", "CheckpointConfig", "EnableManagedSpotTraining",
        "EnableNetworkIsolation",
    }  # fmt: skip
    assert body["StoppingCondition"] == {"MaxRuntimeInSeconds": 86_400}


def test_a_spot_job_keeps_its_checkpoints_under_its_own_name():
    body = training_body("a-1", Cloud(**BASE, spot=True), [Channel(name="train", uri="s3://b")], {})
    assert body["CheckpointConfig"]["S3Uri"] == "s3://bucket/checkpoints/a-1"
    assert body["StoppingCondition"]["MaxWaitTimeInSeconds"] == 2 * 86_400


def test_the_names_of_the_room_are_what_they_say_and_not_files():
    from fitwell import sagemaker

    assert "fetch" in sagemaker.__all__
    for name in sagemaker.__all__:
        assert getattr(sagemaker, name).__module__.startswith("fitwell.sagemaker.")
    with pytest.raises(AttributeError, match="has no attribute 'fech'"):
        _ = sagemaker.fech
