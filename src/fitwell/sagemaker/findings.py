"""What is wrong with a request, and where."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One defect.

    Attributes:
        path: of the key, such as ``ResourceConfig.InstanceCount`` or ``Tags[0].Key``.
        message: what is there, and what is expected.
    """

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path} {self.message}"
