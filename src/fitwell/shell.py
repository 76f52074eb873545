"""What the command line shows: progress on standard error, a summary on standard output."""

import sys
from pathlib import Path
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from rich.table import Table

from fitwell.report.text import answer
from fitwell.results import Arm, Interval, Result


class Progress:
    """A bar of trainings with the time left; a `Watch` of a run."""

    def __init__(self, *, quiet: bool) -> None:
        console = Console(stderr=True, quiet=quiet)
        self._bar = Bar(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("trainings"),
            TimeRemainingColumn(),
            console=console,
            disable=quiet or not sys.stderr.isatty(),
            transient=True,
        )
        self._lines = None if quiet or sys.stderr.isatty() else console
        self._task = self._bar.add_task("reading the data", total=None)

    def __enter__(self) -> "Progress":
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def plan(self, trainings: int) -> None:
        """Set how many trainings lie ahead."""
        self._bar.update(self._task, total=trainings)

    def stage(self, text: str) -> None:
        """Name what is being done; where there is no terminal, as a line of its own."""
        self._bar.update(self._task, description=text)
        if self._lines:
            self._lines.print(text, highlight=False)

    def advance(self, trainings: float = 1.0) -> None:
        """Move the bar."""
        self._bar.advance(self._task, trainings)


def show(result: Result, out: Path) -> None:
    """Print the answer, the evidence, the arms and where everything lies."""
    console = Console(highlight=False, soft_wrap=not sys.stdout.isatty())
    console.print(answer(result, "en"))
    console.print()
    console.print(_states(result))
    console.print(f"\ndiagnosis: {result.diagnosis.verdict} ({result.diagnosis.severity})")
    for item in result.diagnosis.evidence:
        console.print(f"  {item.check}: {item.value:.4f} [{item.low:.4f}, {item.high:.4f}]")
    for advice in result.diagnosis.advice:
        console.print(f"  advice: {advice}")
    if result.comparison:
        console.print()
        console.print(_arms(result))
    for note in (*result.data.notes, *result.notes):
        console.print(f"note: {note}")
    console.print(f"\nreport: {out / 'report.html'}")


def _states(result: Result) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in ("", "training accuracy", "test accuracy", "gap", "test log-loss"):
        table.add_column(heading, justify="left" if not heading else "right")
    for label, state in (("before", result.before), ("after", result.after)):
        if state:
            table.add_row(
                f"{label}: {state.network}",
                str(state.train.accuracy),
                str(state.test.accuracy),
                str(state.gap),
                str(state.test.log_loss),
            )
    best = result.data.best_reachable_accuracy
    if best:
        table.add_row("best reachable", "", str(best), "", "")
    return table


def _arms(result: Result) -> Table:
    assert result.comparison is not None
    table = Table(
        title=f"test rows {result.data.test:,}; differences to {result.comparison.baseline},"
        " 95 % intervals over rows and seeds, p by Holm",
        title_justify="left",
        box=None,
        pad_edge=False,
    )
    for heading in ("arm", "test accuracy", "difference", "p", "verdict", "seconds", "trainings"):
        table.add_column(heading, justify="left" if heading in ("arm", "verdict") else "right")
    for arm in result.comparison.arms:
        table.add_row(*_row(arm))
    return table


def _row(arm: Arm) -> tuple[str, ...]:
    baseline = arm.verdict == "baseline"
    difference = Interval(value=arm.difference, low=arm.low, high=arm.high)
    signed = f"{difference.value:+.3f} [{difference.low:+.3f}, {difference.high:+.3f}]"
    return (
        arm.name,
        str(arm.test.accuracy),
        "" if baseline else signed,
        "" if baseline else f"{arm.p_adjusted:.3f}",
        arm.verdict,
        f"{arm.seconds:.0f}",
        str(arm.trainings),
    )
