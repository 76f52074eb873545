"""The outer resamples: which rows they hold, and that they are tuned inside."""

from dataclasses import replace

import numpy as np
import pytest

from fitwell.comparison.arms import ArmPlan
from fitwell.data.resamples import resamples
from fitwell.data.splits import split_rows
from fitwell.data.tables import make_table
from fitwell.runs.finals import train_arms
from fitwell.runs.launch import make_task
from fitwell.runs.perform import perform
from fitwell.runs.question import Question
from fitwell.runs.resamples import _judged
from fitwell.runs.watch import Silent
from fitwell.training.loop import probabilities
from fitwell.training.workers import Crew
from fitwell.tuning.ledger import Ledger
from toys import make_frame


def parts_of(frame, count=4, **options):
    table = make_table(frame, "bought", **options)
    split = split_rows(table, seed=0)
    rows = np.concatenate([split.train, split.validation])
    return table, split, resamples(table, rows, count, seed=0)


def test_each_resample_shares_out_the_development_rows_and_no_test_row():
    table, split, found = parts_of(make_frame(rows=200))
    assert len(found) == 4
    rows = np.sort(np.concatenate([split.train, split.validation]))
    for one in found:
        mine = np.concatenate([one.train, one.validation, one.test])
        assert np.array_equal(np.sort(mine), rows)
        assert (len(one.train), len(one.validation), len(one.test)) == (96, 32, 32)
        share = table.target[rows].mean()
        for part in (one.train, one.validation, one.test):
            assert abs(table.target[part].sum() - share * len(part)) <= 1
    assert len({tuple(one.test) for one in found}) == 4
    assert len({tuple(one.validation) for one in found}) == 4


def test_another_seed_draws_other_resamples_and_the_same_seed_the_same():
    table, split, found = parts_of(make_frame(rows=200))
    rows = np.concatenate([split.train, split.validation])
    again, other = (resamples(table, rows, 4, seed=seed) for seed in (0, 1))
    assert all(np.array_equal(a.test, b.test) for a, b in zip(found, again, strict=True))
    assert not any(np.array_equal(a.test, b.test) for a in found for b in other)


def test_groups_stay_whole():
    frame = make_frame(rows=300).assign(customer=np.repeat(np.arange(60), 5))
    table, _, found = parts_of(frame, group="customer")
    for one in found:
        groups = [set(table.groups[part]) for part in (one.train, one.validation, one.test)]
        assert sum(map(len, groups)) == len(set.union(*groups))


def test_with_times_each_is_judged_by_what_came_later():
    frame = make_frame(rows=300).assign(day=np.repeat(np.arange(100), 3))
    table, split, found = parts_of(frame, time="day")
    assert len(found) == 4
    for one in found:
        assert table.times[one.train].max() < table.times[one.validation].min()
        assert table.times[one.validation].max() < table.times[one.test].min()
        assert table.times[one.test].max() < table.times[split.test].min()
    # The judging rows are the newer half of what is not sealed, each once.
    judged = np.concatenate([one.test for one in found])
    rows = np.concatenate([split.train, split.validation])
    assert len(np.unique(judged)) == len(judged)
    newer = rows[table.times[rows] >= table.times[judged].min()]
    assert np.array_equal(np.sort(judged), np.sort(newer))
    assert len(newer) == pytest.approx(len(rows) / 2, abs=3)


def test_few_moments_or_groups_give_none():
    frame = make_frame(rows=300)
    assert parts_of(frame.assign(day=np.arange(300) // 60), time="day")[2] == []
    assert parts_of(frame.assign(shop=np.arange(300) % 6), group="shop")[2] == []


def test_a_resampled_task_encodes_by_its_own_training_rows():
    frame = make_frame(rows=200)
    table = make_table(frame, "bought")
    task = make_task(Question(verb="compare"), table)
    for part in task.resampled(2, 0):
        rows = part.split.train
        np.testing.assert_array_equal(part.material.train_x, table.encode(rows)[1][rows])
        assert not np.allclose(part.inputs(rows), task.inputs(rows))
        assert np.array_equal(part.targets(rows), task.targets(rows))
    assert task.resampled(0, 0) == []
    assert replace(task).split is task.split


def test_an_arm_is_judged_by_the_judging_rows_of_its_resample():
    task = make_task(
        Question(verb="compare", widths=(8,), epochs=3), make_table(make_frame(rows=200), "bought")
    )
    [part, _] = task.resampled(2, 0)
    finals = train_arms(part, [ArmPlan(name="plain")], {}, [4], Crew(), Silent())
    judged = _judged(part, finals)
    said = probabilities(finals["plain"].network(part), part.inputs(part.split.test))
    right = task.source.target[part.split.test]
    assert np.array_equal(judged.correct["plain"], said.argmax(axis=1) == right)
    own = said[np.arange(len(right)), right]
    assert judged.losses["plain"] == pytest.approx(-np.log(own))
    assert np.array_equal(judged.units, part.split.test)
    assert (judged.train_rows, judged.test_rows) == (128, 32)


def test_no_sealed_row_has_a_say_in_what_the_resamples_tell():
    test = make_frame(rows=60, seed=1)
    other = test.assign(bought=np.random.default_rng(0).permutation(test.bought))
    told = []
    for sealed in (test, other):
        few = {"trials": 2, "epochs": 8, "seeds": 1, "resamples": 2, "learning_rate": 0.02}
        question = Question(verb="compare", widths=(8,), **few)
        task = make_task(question, make_table(make_frame(rows=150), "bought", test=sealed))
        done = perform(question, task, crew=Crew(), ledger=Ledger(), watch=Silent())
        told.append({arm.name: arm.by_resample for arm in done.result.comparison.arms})
        assert any(any(differences) for differences in told[-1].values())
    assert told[0] == told[1]


FEW = {"trials": 2, "epochs": 4, "seeds": 1, "learning_rate": 0.02}


def test_rows_of_one_group_are_one_unit():
    frame = make_frame(rows=300).assign(customer=np.repeat(np.arange(60), 5))
    task = make_task(
        Question(verb="compare", widths=(8,), epochs=2),
        make_table(frame, "bought", group="customer"),
    )
    [part, _] = task.resampled(2, 0)
    judged = _judged(part, train_arms(part, [ArmPlan(name="plain")], {}, [4], Crew(), Silent()))
    assert np.array_equal(judged.units, task.source.groups[part.split.test])
    assert len(np.unique(judged.units)) < len(judged.units)


class StopsAt(Silent):
    """A user who presses Ctrl-C once, when that stage is told."""

    def __init__(self, text):
        self.text = text

    def stage(self, text):
        self.stopping = self.stopping or text == self.text


def test_ctrl_c_between_resamples_leaves_out_the_unfinished_one_and_says_so():
    told = {}
    for stage in ("tuning: treatment, resample 3", "never"):
        question = Question(verb="compare", widths=(8,), resamples=4, **FEW)
        task = make_task(question, make_table(make_frame(rows=150), "bought"))
        done = perform(question, task, crew=Crew(), ledger=Ledger(), watch=StopsAt(stage))
        told[stage] = done.result
    cut, whole = told.values()
    assert (cut.comparison.resamples, whole.comparison.resamples) == (2, 4)
    assert "The run was stopped after 2 of 4 outer resamples." in cut.notes
    for short, arm in zip(cut.comparison.arms, whole.comparison.arms, strict=True):
        assert short.by_resample == arm.by_resample[:2]
    assert cut.after.network == whole.after.network


def test_ctrl_c_before_two_are_done_leaves_the_test_rows_to_decide():
    question = Question(verb="compare", widths=(8,), resamples=4, **FEW)
    task = make_task(question, make_table(make_frame(rows=150), "bought"))
    watch = StopsAt("tuning: more shuffling, resample 2")
    result = perform(question, task, crew=Crew(), ledger=Ledger(), watch=watch).result
    assert result.comparison.resamples == 0
    assert any("There are no outer resamples" in note for note in result.notes)
