"""Sends what a user of version 2 of AWS's SDK sends. It runs where that SDK is, without fitwell.

python submit_v2.py '{"what": "train", "name": ...}'
"""

import json
import sys

from sagemaker.estimator import Estimator
from sagemaker.inputs import TrainingInput
from sagemaker.model import Model
from sagemaker.pytorch import PyTorch

import sagemaker


def main(asked):
    """Start a job in the image's own way or by a script, or deploy what a job has left."""
    common = {
        "image_uri": asked["image"],
        "role": asked["role"],
        "sagemaker_session": sagemaker.Session(default_bucket=asked["bucket"]),
    }
    if asked["what"] == "deploy":
        model = Model(model_data=asked["archive"], name=asked["name"], **common)
        model.deploy(1, "ml.m5.large", endpoint_name=asked["name"], wait=False)
        return
    script = {"entry_point": "train.py", "source_dir": asked["source"]}
    made = (PyTorch if asked["what"] == "script" else Estimator)(
        instance_count=1,
        instance_type="ml.m5.large",
        hyperparameters=asked["hyperparameters"],
        output_path=asked["output"],
        **(script if asked["what"] == "script" else {}),
        **common,
    )
    made.fit({"train": TrainingInput(asked["data"])}, job_name=asked["name"], wait=False)


main(json.loads(sys.argv[1]))
