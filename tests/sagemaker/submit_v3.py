"""Sends what a user of version 3 of AWS's SDK sends. It runs where that SDK is, without fitwell.

python submit_v3.py '{"what": "train", "name": ...}'
"""

import json
import sys

from sagemaker.core.helper.session_helper import Session
from sagemaker.core.resources import Model
from sagemaker.core.shapes import ContainerDefinition, VpcConfig
from sagemaker.core.training.configs import Compute, InputData, OutputDataConfig, SourceCode
from sagemaker.train import ModelTrainer


def main(asked):
    """Start a job in the image's own way or by a script, or deploy what a job has left."""
    if asked["what"] == "deploy":
        return deploy(asked)
    script = SourceCode(source_dir=asked["source"], entry_script="train.py")
    trainer = ModelTrainer(
        training_image=asked["image"],
        role=asked["role"],
        base_job_name=asked["name"],
        sagemaker_session=Session(default_bucket=asked["bucket"]),
        compute=Compute(instance_type="ml.m5.large", instance_count=1),
        hyperparameters=asked["hyperparameters"],
        output_data_config=OutputDataConfig(s3_output_path=asked["output"]),
        source_code=script if asked["what"] == "script" else None,
    )
    rows = InputData(channel_name="train", data_source=asked["data"])
    trainer.train(input_data_config=[rows], wait=False, logs=False)


def deploy(asked):
    """Make the records of an endpoint, by the calls that the SDK's ModelBuilder makes."""
    name, image = asked["name"], asked["image"]
    Model.create(
        model_name=name,
        primary_container=ContainerDefinition(image=image, model_data_url=asked["archive"]),
        execution_role_arn=asked["role"],
        # moto describes a model without one as having an empty one, which the SDK refuses.
        vpc_config=VpcConfig(security_group_ids=["sg-1"], subnets=["subnet-1"]),
    )
    variant = {
        "VariantName": "all",
        "ModelName": name,
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 1,
    }
    Session().endpoint_from_production_variants(name, [variant], wait=False)


main(json.loads(sys.argv[1]))
