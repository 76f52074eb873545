"""How a run tells what it is doing; the library stays silent unless asked."""

from typing import Protocol

from fitwell.results import Trial


class Watch(Protocol):
    """Receives the progress of a run."""

    @property
    def stopping(self) -> bool:
        """Whether the user wants the search to end with the best so far."""
        ...

    def plan(self, trainings: int) -> None:
        """So many trainings lie ahead, all in all."""

    def stage(self, text: str) -> None:
        """A part of the run begins."""

    def tell(self, text: str) -> None:
        """Something that the user should know before the run goes on."""

    def advance(self, trainings: float = 1.0) -> None:
        """So many trainings, or a part of one, were done."""

    def trial(self, trial: Trial) -> None:
        """A setting was tried."""


class Silent:
    """Says nothing."""

    stopping = False

    def plan(self, trainings: int) -> None:
        """Ignore the plan."""

    def stage(self, text: str) -> None:
        """Ignore the stage."""

    def tell(self, text: str) -> None:
        """Ignore what is told."""

    def advance(self, trainings: float = 1.0) -> None:
        """Ignore the advance."""

    def trial(self, trial: Trial) -> None:
        """Ignore the trial."""
