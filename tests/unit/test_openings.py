"""Each look at the sealed test part is counted, whatever becomes of the run."""

from fitwell.report.facts import opened_sentence
from fitwell.runs.openings import Openings, opened_elsewhere, read_openings


def test_an_opening_is_written_down_once_per_run_and_seal(tmp_path):
    first = Openings(tmp_path, "run-1").record("seal", "tune")
    assert len(first) == 1
    assert first[0].startswith("tune, 20")
    # A run that was killed after it looked, and is resumed, looks at the same numbers again.
    assert Openings(tmp_path, "run-1").record("seal", "tune") == first
    assert len(Openings(tmp_path, "run-2").record("seal", "compare")) == 2
    assert len(Openings(tmp_path, "run-3").record("another seal", "tune")) == 1
    assert len(read_openings(tmp_path)) == 3


def test_runs_beside_this_one_that_opened_the_same_part_are_named(tmp_path):
    for name, seal in (("a", "s"), ("b", "s"), ("c", "t"), ("mine", "s")):
        (tmp_path / name).mkdir()
        Openings(tmp_path / name, name).record(seal, "tune")
    (tmp_path / "empty").mkdir()
    assert opened_elsewhere(tmp_path / "mine", "s") == ("a", "b")
    assert opened_elsewhere(tmp_path / "mine", "u") == ()


def test_the_sentence_says_how_often_and_by_whom():
    def said(openings, elsewhere):
        run = {"test_openings": openings, "opened_elsewhere": elsewhere}
        return opened_sentence(run, "en")

    assert said(["one"], []) == ""
    assert opened_sentence({}, "en") == ""
    last = (
        "What is chosen after a look at test rows is flattered by them: their intervals hold for the"
        " first look only."
    )
    assert said(["one", "two"], []) == (f"The test part was opened 2 times in this folder. {last}")
    assert said(["one"], ["a", "b"]) == (
        f"The runs beside this one opened the same test part: a, b. {last}"
    )
    assert said(["one", "two"], ["a"]) == (
        "The test part was opened 2 times in this folder. The runs beside this one opened the same"
        f" test part: a. {last}"
    )
