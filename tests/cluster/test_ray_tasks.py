"""What runs on a Ray cluster against the same in this process, bit for bit.

Slow, all of them: a cluster is seven processes beside the tests', and on a machine of two cores
that does other work Ray gives up on them now and then, and takes its driver along.
"""

import _thread
import itertools
import os
import sys
import threading
import time
import types
from dataclasses import asdict, replace

import numpy as np
import pytest

from fitwell.errors import InputError, TrainingFailed
from fitwell.models.blueprint import Blueprint
from fitwell.population import ray_tasks
from fitwell.population.layout import layout, way_of
from fitwell.population.piece import Piece
from fitwell.population.pool import Threads
from fitwell.population.ray_pool import RayPool
from fitwell.population.ray_tasks import tasks
from fitwell.population.store import Store
from fitwell.recipe import Recipe
from fitwell.runs.question import parse_budget
from fitwell.training.outcome import Job
from fitwell.training.workers import Crew
from material import layered, make_material
from ray_processes import kill, raylet, stopped_while_it_works

pytestmark = pytest.mark.slow

BASE = Recipe(epochs=30, batch_size=32, learning_rate=0.02, patience=4, early_stopping=True)


def make_pieces(until=6, rows=150, count=4):
    """Pieces of two members each; two rates of dropout, so that noise is drawn too."""
    recipes = {n: replace(BASE, l1=1e-4 * n, dropout=0.1 * (n % 2)) for n in range(2 * count)}
    [batch] = layout(make_material(rows=rows), recipes, seed=3)
    whole = batch.begin()
    return [
        Piece(name=f"p-{n}", course=batch.course, state=whole.only([2 * n, 2 * n + 1]), until=until)
        for n in range(count)
    ]


def assert_same(one, other):
    assert len(one) == len(other)
    for a, b in zip(one, other, strict=True):
        for field in ("weights", "first", "second"):
            np.testing.assert_array_equal(getattr(a, field), getattr(b, field))
        for x, y in zip(a.tracks, b.tracks, strict=True):
            np.testing.assert_equal(asdict(replace(x, seconds=0)), asdict(replace(y, seconds=0)))


def test_pieces_come_back_in_order_and_bit_for_bit_as_from_threads(connected, tmp_path):
    told = []
    here = Threads(1).run(make_pieces(), Store(), lambda _: None)
    there = RayPool(connected.address).run(make_pieces(), Store(tmp_path / "s"), told.append)
    assert_same(there, here)
    assert sum(told) == 4 * 2 * 6
    assert there[0].weights[0].flags.writeable
    assert len(list((tmp_path / "s").glob("*.safetensors"))) == 4


def test_what_the_folder_of_the_driver_holds_is_not_done_again(connected, tmp_path):
    store = Store(tmp_path / "s")
    pieces = make_pieces()
    Threads(1).run(pieces[:2], store, lambda _: None)
    Threads(1).run([replace(pieces[2], until=4)], store, lambda _: None)
    # A mark that only those who go on from the file can show.
    begun = store.get("p-2")
    store.put("p-2", replace(begun, weights=tuple(w + 1 for w in begun.weights)))
    marked = Threads(1).run([replace(pieces[2], state=store.get("p-2"))], Store(), lambda _: None)
    told = []
    there = RayPool(connected.address).run(pieces, store, told.append)
    here = Threads(1).run(pieces, Store(), lambda _: None)
    assert_same(there, [*here[:2], *marked, here[3]])
    # What was done is not done again: it tells the time that it took then.
    taken = [store.get(piece.name).tracks[0].seconds for piece in pieces[:2]]
    assert [state.tracks[0].seconds for state in there[:2]] == taken
    assert sum(told) == 4 * 2 * 6


def test_a_piece_whose_process_is_killed_is_done_again(connected):
    pieces = make_pieces(until=30, rows=1500, count=2)
    here = Threads(1).run(pieces, Store(), lambda _: None)
    nodes = [raylet(node) for node in (connected.head_node, *connected.worker_nodes)]
    killed = []

    def hunt():
        process = stopped_while_it_works(nodes)
        kill(process)
        killed.append(process.pid)

    hunter = threading.Thread(target=hunt)
    hunter.start()
    there = RayPool(connected.address).run(pieces, Store(), lambda _: None)
    hunter.join()
    assert killed
    assert_same(there, here)


@pytest.mark.parametrize("kind", ["layer norm", "cnn"])
def test_networks_that_are_trained_one_by_one_give_what_worker_processes_give(connected, kind):
    material = make_material(columns=16)
    if kind == "layer norm":
        material = replace(material, blueprint=layered(8))
    else:
        x, held = (a.reshape(-1, 1, 4, 4) for a in (material.train_x, material.validation_x))
        blueprint = Blueprint(kind="cnn", widths=(4,), hidden=8)
        material = replace(material, train_x=x, validation_x=held, blueprint=blueprint)
    recipes = {n: replace(BASE, epochs=4, dropout=0.2 * n) for n in range(4)}
    assert way_of(material, recipes, "cpu")[0] == "single"
    jobs = [Job(n, recipe, 7) for n, recipe in recipes.items()]
    here = dict(Crew(workers=2).run(material, jobs))
    there = dict(Crew(ray=connected.address).run(material, jobs))
    assert set(there) == set(here)
    for job, outcome in here.items():
        one, other = (replace(o, seconds=0.0) for o in (there[job], outcome))
        np.testing.assert_equal(asdict(one), asdict(other))


def test_calls_are_read_as_cores_become_free(connected):
    read = []
    calls = ((-n,) for n in itertools.count() if read.append(n) is None)
    found = dict(itertools.islice(tasks(abs, calls), 5))
    assert all(place == value for place, value in found.items())
    assert len(read) < 5 + 3


def test_control_c_cancels_what_runs(connected):
    assert dict(tasks(abs, [(-1,), (-2,)])) == {0: 1, 1: 2}  # so that both nodes are awake
    threading.Timer(3, _thread.interrupt_main).start()
    with pytest.raises(KeyboardInterrupt):
        list(tasks(time.sleep, [(600,), (600,)]))
    found = []
    after = threading.Thread(target=lambda: found.extend(tasks(abs, [(-1,), (-2,)])), daemon=True)
    after.start()
    after.join(60)
    assert sorted(found) == [(0, 1), (1, 2)]


def test_a_node_with_another_version_is_refused(connected, monkeypatch):
    monkeypatch.setattr(ray_tasks, "__version__", "99.0")
    from fitwell.version import __version__

    with pytest.raises(InputError) as caught:
        list(tasks(abs, [(-1,)]))
    assert str(caught.value) == (
        f"--ray: node 127.0.0.1 has fitwell {__version__}, but 99.0 runs here, so that numbers"
        " could differ. Install the same versions on every node."
    )


def test_a_module_that_a_node_does_not_have_is_named(connected, monkeypatch):
    ghost = types.ModuleType("ghost")
    exec("def f(x): return x", ghost.__dict__)
    monkeypatch.setitem(sys.modules, "ghost", ghost)
    with pytest.raises(InputError) as caught:
        list(tasks(ghost.f, [(1,)]))
    assert str(caught.value) == (
        "--ray: a node cannot import ghost. Install the same fitwell on every node, and hand your"
        " own files on with Ray's runtime_env."
    )


def test_an_error_of_fitwell_comes_back_as_it_was_raised(connected):
    with pytest.raises(InputError) as there:
        list(tasks(parse_budget, [("soon",)]))
    with pytest.raises(InputError) as here:
        parse_budget("soon")
    assert str(there.value) == str(here.value)


def test_a_task_that_is_lost_each_time_ends_the_run_in_one_line(connected):
    with pytest.raises(TrainingFailed) as caught:
        list(tasks(os._exit, [(1,)]))
    assert str(caught.value).startswith(
        "--ray: the cluster lost a training 4 times: The worker died unexpectedly"
    )
    assert "\n" not in str(caught.value)
