"""What the command line shows: progress on standard error, a summary on standard output."""

import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType, TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from rich.table import Table

from fitwell.report.bars import Scale
from fitwell.report.numbers import bounds, decimal, p_value, points, strength
from fitwell.report.path_chart import path_words
from fitwell.report.text import answer, verdict_phrase
from fitwell.results import Arm, Comparison, Contest, Interval, RegularizationPath, Result, Trial

WIDE = 120
"""Columns of a terminal that has room for p-values, costs and bars."""


class Progress:
    """A bar of trainings with the time left; a `Watch` of a run.

    Ctrl-C while a search runs ends it with the best so far; at any other time, and for the
    second time, it ends the run.

    Attributes:
        stopping: whether a search is to end.
    """

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
        self._console = console
        self._searches = False
        self.stopping = False

    def __enter__(self) -> "Progress":
        self._bar.start()
        self._before = signal.signal(signal.SIGINT, self._interrupt)
        return self

    def _interrupt(self, _number: int, _frame: FrameType | None) -> None:
        if self.stopping or not self._searches:
            raise KeyboardInterrupt
        self.stopping = True
        self._console.print(
            "stopping: the search ends with the best so far; Ctrl-C again ends at once",
            highlight=False,
        )

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        signal.signal(signal.SIGINT, self._before)
        self._bar.stop()

    def plan(self, trainings: int) -> None:
        """Set how many trainings lie ahead."""
        self._bar.update(self._task, total=trainings)

    def stage(self, text: str) -> None:
        """Name what is being done; where there is no terminal, as a line of its own."""
        self._searches = text.startswith("tuning")
        self._bar.update(self._task, description=text)
        if self._lines:
            self._lines.print(text, highlight=False)

    def tell(self, text: str) -> None:
        """Write a line that stays."""
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)

    def advance(self, trainings: float = 1.0) -> None:
        """Move the bar."""
        self._bar.advance(self._task, trainings)

    def trial(self, trial: Trial) -> None:
        """Show nothing: the bar has moved."""


def show(result: Result, out: Path) -> None:
    """Print the answer, the evidence, the arms and where everything lies."""
    console = Console(highlight=False)
    console.print(answer(result, "en"), markup=False)
    console.print()
    console.print(_states(result))
    console.print(f"\ndiagnosis: {verdict_phrase(result)}")
    for item in result.diagnosis.evidence:
        console.print(f"  {item.check}: {item.value:.3f} {_limits(item.low, item.high)}")
    for advice in result.diagnosis.advice:
        console.print(f"  advice: {advice}")
    if result.comparison:
        console.print()
        console.print(_arms(result.comparison, wide=console.width >= WIDE))
        console.print(f"  {_about(result.comparison, result.data.test)}")
        if result.comparison.contests:
            console.print()
            console.print(_contests(result.comparison.contests))
    if result.path:
        console.print()
        console.print(_path(result.path))
        console.print(f"  {path_words(result.path, 'en')}", markup=False)
    for note in (*result.data.notes, *result.notes):
        console.print(f"note: {note}", markup=False)
    report = out / "report.html"
    console.print()
    # A path is no prose: it stays on one line, so that it can be copied.
    console.print(_where(report), markup=False, soft_wrap=True)


def _where(report: Path) -> str:
    if report.exists():
        return f"report: {report}"
    return f"no report: pip install 'fitwell[report]', then fitwell report {report.parent}"


def _states(result: Result) -> Table:
    table = _table("in %", "training accuracy", "test accuracy", "gap, points")
    for label, state in (("before", result.before), ("after", result.after)):
        if state:
            table.add_row(
                f"{label}: {state.network}",
                _share(state.train.accuracy),
                _share(state.test.accuracy),
                _share(state.gap),
            )
    best = result.data.best_reachable_accuracy
    if best:
        table.add_row("best reachable", "", _share(best), "")
    return table


def _arms(comparison: Comparison, *, wide: bool) -> Table:
    """Lay the arms side by side; bars, p-values and costs where the terminal has room for them."""
    table = _table("arm", "test accuracy, %", "points", f"against {comparison.baseline}")
    table.columns[3].justify = "left"
    if wide:
        for heading in ("p (Holm)", "seconds"):
            table.add_column(heading, justify="right")
        table.add_column("worse │ better", justify="center", no_wrap=True)
    rivals = [arm for arm in comparison.arms if arm.verdict != "baseline"]
    scale = Scale.of([_difference(arm) for arm in rivals])
    for arm in comparison.arms:
        row = _row(arm)
        bar = scale.bar(_difference(arm)) if arm in rivals else ""
        table.add_row(*(*row, bar) if wide else row[:4], style=_STYLES.get(arm.verdict))
    return table


def _contests(contests: Sequence[Contest]) -> Table:
    """Hold the treatment against each other action."""
    table = _table(f"{contests[0].arm} against", "points", "")
    table.columns[2].justify = "left"
    for contest in contests:
        gain = f"{points(contest.accuracy.value, signed=True)} {bounds(contest.accuracy)}"
        style = _STYLES.get(contest.verdict)
        table.add_row(contest.rival, gain, contest.verdict, style=style)
    return table


_STYLES = {"better": "green", "worse": "red"}


def _difference(arm: Arm) -> Interval:
    return Interval(value=arm.difference, low=arm.low, high=arm.high)


def _about(comparison: Comparison, test_rows: int) -> str:
    """Say what the table's intervals are of."""
    test = f"95 % intervals: test accuracy over {test_rows:,} rows and the seeds"
    if not comparison.resamples:
        return f"{test}, differences over the same rows and seeds"
    return (
        f"{test}, differences over {comparison.resamples} resamples of the other rows;"
        " verdicts by the corrected resampled t-test too"
    )


def _path(path: RegularizationPath) -> Table:
    table = _table(f"path of {path.remedy}", "training", "validation log-loss", "gap", "zeros", "")
    table.columns[-1].justify = "left"
    marks = (("lowest", path.best), ("gap closes", path.gap_closes), ("too much", path.too_much))
    for point in path.points:
        held = point.validation_log_loss
        table.add_row(
            strength(point.strength) if point.strength else "off",
            decimal(point.train_log_loss.value),
            f"{decimal(held.value)} {_limits(held.low, held.high)}",
            f"{decimal(point.gap.value, signed=True)}",
            f"{point.zeros:.0%}",
            ", ".join(word for word, value in marks if value == point.strength),
        )
    return table


def _row(arm: Arm) -> tuple[str, ...]:
    baseline = arm.verdict == "baseline"
    change = f"{points(arm.difference, signed=True)} {_limits(100 * arm.low, 100 * arm.high, 1)}"
    return (
        arm.name,
        _share(arm.test.accuracy),
        "" if baseline else change,
        arm.verdict,
        "" if baseline else p_value(arm.p_adjusted),
        f"{arm.seconds:.0f}",
    )


def _table(first: str, *others: str) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column(first)
    for heading in others:
        table.add_column(heading, justify="right", no_wrap=True)
    return table


def _share(interval: Interval) -> str:
    return f"{points(interval.value)} {bounds(interval)}"


def _limits(low: float, high: float, digits: int = 3) -> str:
    return f"[{decimal(low, digits)}, {decimal(high, digits)}]"
