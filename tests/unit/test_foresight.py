"""What a comparison can show, said before anything is trained."""

import pytest

from fitwell.data.tables import make_table
from fitwell.runs.foresight import foresee
from fitwell.runs.launch import make_task
from fitwell.runs.lineup import line_up
from fitwell.runs.perform import perform
from fitwell.runs.question import Question
from fitwell.runs.watch import Silent
from fitwell.statistics import smallest_gain, smallest_resampled_gain
from fitwell.training.workers import Crew
from fitwell.tuning.ledger import Ledger
from toys import make_frame


class Listening(Silent):
    def __init__(self):
        self.heard = []

    def tell(self, text):
        self.heard.append(text)

    def stage(self, text):
        self.heard.append(text)


def asked(**options):
    question = Question(verb="compare", widths=(8,), trials=2, epochs=2, seeds=1, **options)
    return question, make_task(question, make_table(make_frame(rows=200), "bought"))


def test_the_smallest_gain_is_told_before_anything_is_trained_and_stored():
    question, task = asked(resamples=3)
    watch = Listening()
    done = perform(question, task, crew=Crew(), ledger=Ledger(), watch=watch)
    assert watch.heard[0].startswith("smallest gain that can be shown, in points of accuracy: 3 re")
    assert watch.heard[1].startswith("tuning: ")
    # Nine arms: the baseline and the compacted one, which repeats another, make no claim.
    told = smallest_resampled_gain(128, 32, 3, arms=7)
    assert done.result.comparison.smallest_gain == pytest.approx(told)
    assert len(done.result.comparison.arms) == 9


def test_without_resamples_it_is_that_of_the_test_rows():
    question, task = asked(resamples=0)
    found = foresee(question, task, line_up(question, task))
    assert found.over_resamples is None
    assert found.on_test == pytest.approx(smallest_gain(40, arms=7))
    assert str(found).startswith("smallest gain that can be shown, in points of accuracy: the 40")
