"""The built-in case: visits to a landing page, from data to report."""

from dataclasses import replace

from fitwell.data.tables import make_table
from fitwell.data.visits import TARGET, visits_with_truth
from fitwell.results import Result
from fitwell.runs.launch import launch_source
from fitwell.runs.place import Place
from fitwell.runs.question import Question
from fitwell.runs.watch import Watch

ROWS, QUICK_ROWS = 10_000, 2_500


def launch_demo(place: Place, watch: Watch, *, quick: bool, resamples: int = 0) -> Result:
    """Compare all arms on visits whose truth is known.

    Without outer resamples, which would take as long again each, the test rows decide.
    """
    rows = QUICK_ROWS if quick else ROWS
    watch.stage("making the visits")
    frame, truth = visits_with_truth(rows, seed=0)
    table = make_table(frame, TARGET, name="visits (synthetic)")
    question = Question(verb="compare", resamples=resamples)
    if quick:
        question = replace(question, trials=6, seeds=2, epochs=30)
    return launch_source(
        question,
        table,
        place,
        watch,
        options={"path": "built in", "rows": rows},
        reachable=truth.max(axis=1),
    )
