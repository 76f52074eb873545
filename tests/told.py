"""A small run that is told to loggers, and watched on its way."""

from dataclasses import replace

from fitwell.data.tables import make_table
from fitwell.runs.launch import launch_source
from fitwell.runs.place import Place
from fitwell.runs.question import Question
from fitwell.runs.watch import Silent
from toys import make_frame

QUESTION = Question(verb="tune", trials=4, epochs=3, seeds=2, widths=(8,))


class At(Silent):
    """Does something when a stage begins."""

    def __init__(self, stage, act):
        self._stage, self._act = stage, act

    def stage(self, text):
        if text == self._stage:
            self._act()


def run(out, *log, watch=None, resume=False, **more):
    table = make_table(make_frame(), "bought", name="table.csv")
    place = Place(out=out, resume=resume, workers=1, log=log)
    asked = replace(QUESTION, **more)
    return launch_source(asked, table, place, watch or Silent(), options={"path": "made"})


def interrupt():
    raise KeyboardInterrupt
