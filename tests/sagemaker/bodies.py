"""Requests in order, written out by hand as AWS's documentation has them."""

IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/fitwell:0.1"
ROLE = "arn:aws:iam::123456789012:role/fitwell-job"
NUMBER = "fitwell_objective=([-+0-9.eE]+);"


def channel(name="train", **more):
    source = {"S3DataType": "S3Prefix", "S3Uri": "s3://bucket/data/table.csv"}
    return {"ChannelName": name, "DataSource": {"S3DataSource": source}, **more}


def definition():
    return {
        "AlgorithmSpecification": {
            "TrainingImage": IMAGE,
            "TrainingInputMode": "File",
            "MetricDefinitions": [{"Name": "fitwell_objective", "Regex": NUMBER}],
        },
        "RoleArn": ROLE,
        "InputDataConfig": [channel()],
        "OutputDataConfig": {"S3OutputPath": "s3://bucket/jobs"},
        "ResourceConfig": {
            "InstanceType": "ml.m5.xlarge",
            "InstanceCount": 1,
            "VolumeSizeInGB": 10,
        },
        "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
    }


def training():
    return {
        "TrainingJobName": "fitwell-1",
        "HyperParameters": {"target": "outcome", "trials": "64"},
        **definition(),
    }


def spot():
    return {
        **training(),
        "EnableManagedSpotTraining": True,
        "StoppingCondition": {"MaxRuntimeInSeconds": 3600, "MaxWaitTimeInSeconds": 7200},
        "CheckpointConfig": {"S3Uri": "s3://bucket/checkpoints"},
        "Tags": [{"Key": "kostenstelle", "Value": "Größe 7: 서울"}],
    }


def numbers(name="learning_rate", low="1e-4", high="1e-2", scale="Logarithmic"):
    return {"Name": name, "MinValue": low, "MaxValue": high, "ScalingType": scale}


def tuning():
    return {
        "HyperParameterTuningJobName": "fitwell-t",
        "HyperParameterTuningJobConfig": {
            "Strategy": "Bayesian",
            "HyperParameterTuningJobObjective": {
                "Type": "Minimize",
                "MetricName": "fitwell_objective",
            },
            "ResourceLimits": {"MaxNumberOfTrainingJobs": 20, "MaxParallelTrainingJobs": 4},
            "TrainingJobEarlyStoppingType": "Off",
            "ParameterRanges": {
                "ContinuousParameterRanges": [numbers()],
                "IntegerParameterRanges": [numbers("epochs", "10", "60", "Linear")],
                "CategoricalParameterRanges": [{"Name": "activation", "Values": ["relu", "tanh"]}],
            },
        },
        "TrainingJobDefinition": {
            "StaticHyperParameters": {"target": "outcome"},
            **definition(),
        },
        "WarmStartConfig": {
            "ParentHyperParameterTuningJobs": [{"HyperParameterTuningJobName": "fitwell-s"}],
            "WarmStartType": "IdenticalDataAndAlgorithm",
        },
    }


def model():
    return {
        "ModelName": "fitwell-1",
        "PrimaryContainer": {"Image": IMAGE, "ModelDataUrl": "s3://bucket/jobs/a/model.tar.gz"},
        "ExecutionRoleArn": ROLE,
    }


def endpoint_config():
    variant = {
        "VariantName": "all",
        "ModelName": "fitwell-1",
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 1,
    }
    return {"EndpointConfigName": "fitwell-1", "ProductionVariants": [variant]}


def endpoint():
    return {"EndpointName": "fitwell", "EndpointConfigName": "fitwell-1"}


def transform():
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://bucket/rows"}}
    return {
        "TransformJobName": "fitwell-rows",
        "ModelName": "fitwell-1",
        "TransformInput": {"DataSource": source, "ContentType": "text/csv"},
        "TransformOutput": {"S3OutputPath": "s3://bucket/out", "Accept": "text/csv"},
        "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
    }


GOOD = {
    "training": ("CreateTrainingJob", training),
    "spot": ("CreateTrainingJob", spot),
    "tuning": ("CreateHyperParameterTuningJob", tuning),
    "model": ("CreateModel", model),
    "endpoint config": ("CreateEndpointConfig", endpoint_config),
    "endpoint": ("CreateEndpoint", endpoint),
    "transform": ("CreateTransformJob", transform),
}
