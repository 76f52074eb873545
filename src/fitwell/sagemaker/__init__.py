"""The same job on Amazon SageMaker; the only place that knows /opt/ml."""
