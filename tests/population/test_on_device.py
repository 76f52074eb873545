"""The fused engine of torch's operations: against autograd, and against the one of kernels.

On the processor everywhere, and on a CUDA device where there is one.
"""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

from by_autograd import MEMBERS, check
from fitwell.population.advance import advance
from fitwell.population.engine import Rates
from fitwell.population.fused import Fused
from fitwell.population.job import Member, State
from fitwell.population.kernels import draw_
from fitwell.population.layout import layout
from fitwell.population.on_device import OnDevice
from fitwell.population.record import WARM, Record
from fitwell.population.splitmix import Words
from fitwell.recipe import Recipe
from fitwell.remedies import all_remedies
from fitwell.training.outcome import Job
from fitwell.training.workers import Crew
from fitwell.tuning.ledger import Ledger
from fitwell.tuning.search import Search
from material import layered, make_material
from stacks import NETWORKS, begun

CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
DEVICES = ["cpu", pytest.param("cuda", marks=CUDA)]
SOME = ["selu, dropout", "batch norm", "batch norm of all batches", "inserted"]


@pytest.fixture(params=DEVICES)
def device(request, monkeypatch):
    """Let `advance` train by torch's operations, where else the kernels would."""
    if request.param == "cpu":
        monkeypatch.setattr(
            "fitwell.population.advance.Fused", lambda *begun, **_: OnDevice(*begun, "cpu")
        )
    return request.param


def on(device, name, *members, **options):
    return begun(name, *members, **options, device=device)


@pytest.mark.parametrize("name", NETWORKS)
def test_every_member_is_what_autograd_and_torchs_adam_make_of_it(name, device):
    course, state = on(device, name)
    done = advance(course, state, 6)
    check(course, state, done, MEMBERS)
    assert (done.weights[1] == 0).any()


@pytest.mark.parametrize("name", SOME)
def test_losses_sums_and_means_are_those_of_the_kernels(name, device):
    course, state = begun(name, curves=True)
    mine = advance(replace(course, device=device), state, 3)
    engine = OnDevice(course.shape, mine.weights, mine.first, mine.second, 0, device)
    kernels = Fused(course.shape, mine.weights, mine.first, mine.second, 0)
    x, y = course.material.validation_x, course.material.validation_y
    np.testing.assert_allclose(
        engine.losses(engine.inputs(x), y), kernels.losses(kernels.inputs(x), y), atol=1e-5
    )
    rates = Rates(np.ones((len(MEMBERS), 4), np.float32), np.zeros(len(MEMBERS)), np.ones(5))
    np.testing.assert_allclose(engine.terms(rates), kernels.terms(rates), rtol=1e-6)
    for ours, theirs in zip(engine.vectors, kernels.vectors, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("counts", [[7 * 32], [16 * 32, 24 * 32], [3, 5, 1]])
@pytest.mark.parametrize("device", DEVICES)
def test_the_noise_is_that_of_the_kernels_bit_for_bit(counts, device):
    keys = [2**63 - 1, 12345, 2**62 + 7][: len(counts)]
    words = Words(counts, torch.device(device))
    words.keys.copy_(torch.tensor(keys))
    for count, key, drawn in zip(counts, keys, words.draw(), strict=True):
        expected = np.zeros((count + 3) // 4, np.uint64)
        draw_(expected, np.uint64(key))
        np.testing.assert_array_equal(drawn.cpu(), expected.view(np.uint16)[:count])


@pytest.mark.parametrize("name", SOME)
def test_a_training_in_pieces_and_regrouped_is_the_same_but_for_rounding(name, device):
    course, state = on(device, name, keeps=True)
    whole = advance(course, state, 6)
    pieces = advance(course, state, 2)
    pieces = State.joined([advance(course, pieces.only(some), 6) for some in ([4, 1], [0, 2, 3])])
    for place, track in enumerate(pieces.tracks):
        same = whole.tracks[track.member.number]
        np.testing.assert_allclose(track.train, same.train, rtol=1e-4)
        np.testing.assert_allclose(track.judged, same.judged, rtol=1e-2, atol=1e-4)
        number = track.member.number
        np.testing.assert_allclose(pieces.weights[place], whole.weights[number], atol=1e-3)


def test_a_member_that_diverges_leaves_the_others_alone(device):
    wild = Member(number=9, decay=1e30)
    course, state = on(device, "batch norm", [MEMBERS[0], wild, MEMBERS[2]])
    together = advance(course, state, 2)
    assert [track.diverged for track in together.tracks] == [False, True, False]
    alone = advance(course, state.only([0, 2]), 2)
    for place, track in zip((0, 2), alone.tracks, strict=True):
        np.testing.assert_allclose(together.tracks[place].train, track.train, rtol=1e-4)


def test_many_steps_of_two_sizes_are_those_of_the_kernels(device):
    """More than are made before a device records them, and a last batch of another size."""
    material = make_material(rows=150)
    recipe = Recipe(epochs=20, batch_size=16)
    [batch] = layout(material, {0: recipe, 1: replace(recipe, dropout=0.4, l1=1e-3)}, seed=1)
    found = advance(replace(batch.course, device=device), batch.begin(), 20)
    expected = by_kernels(batch, 20)
    for one, other in zip(found.tracks, expected.tracks, strict=True):
        np.testing.assert_allclose(one.train, other.train, rtol=1e-3)
        np.testing.assert_allclose(one.validation, other.validation, rtol=1e-3)


def by_kernels(batch, until):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fitwell.population.advance.Fused", Fused)
        return advance(replace(batch.course, device="cpu"), batch.begin(), until)


@pytest.mark.parametrize("device", DEVICES)
def test_a_record_does_what_the_function_does_each_time(device):
    record, total, calls = Record(torch.device(device)), torch.zeros(1, device=device), []

    def add():
        calls.append(None)
        total.add_(1)

    for _ in range(20):
        record.run(add)
    assert total.item() == 20
    # Once more than before the record, for the record itself.
    assert len(calls) == {"cpu": 20, "cuda": WARM + 1}[device]


WAITS = """
import torch
from fitwell.population.record import Record

record, total = Record(torch.device("cuda")), torch.zeros(1, device="cuda")
for _ in range(20):
    record.run(lambda: total.add_(1).item())
assert total.item() == 20
"""


@CUDA
def test_what_a_device_cannot_record_is_done_step_by_step():
    """To wait for the device cannot be recorded. In a process of its own: torch's generator takes
    itself for recorded after a record that failed, and draws no more.
    """
    subprocess.run([sys.executable, "-c", WAITS], check=True)


@CUDA
def test_a_single_network_on_a_device_is_that_of_the_processor():
    material = replace(make_material(), blueprint=layered(16, 24))
    recipe = Recipe(epochs=6, batch_size=32, early_stopping=True, l1=1e-3, decay_epochs=20.0)
    [batch] = layout(material, {0: recipe}, seed=1, keeps=True)
    expected = advance(batch.course, batch.begin(), 6)
    course = replace(batch.course, device="cuda")
    found = advance(course, advance(course, batch.begin(), 2), 6)  # cut, as a resumed one is
    np.testing.assert_allclose(found.tracks[0].train, expected.tracks[0].train, rtol=1e-4)
    np.testing.assert_allclose(found.weights[0], expected.weights[0], atol=1e-3)
    before = torch.cuda.get_rng_state()
    dropped = [
        advance(
            replace(course, recipe=replace(recipe, dropout=0.5)),
            replace(batch, members=(replace(batch.members[0], dropout=0.5),)).begin(),
            2,
        )
        for _ in range(2)
    ]
    assert dropped[0].tracks[0].train == pytest.approx(dropped[1].tracks[0].train, rel=1e-5)
    assert torch.equal(torch.cuda.get_rng_state(), before)


@CUDA
@pytest.mark.parametrize(("network", "kind"), [("relu", "fused"), ("layers", "a population")])
def test_a_search_on_a_device_finds_what_one_on_the_processor_finds(network, kind):
    blueprint = {"relu": make_material().blueprint, "layers": layered(16, 24)}[network]
    material = replace(make_material(rows=300, columns=12), blueprint=blueprint)
    base = Recipe(epochs=30, batch_size=32, learning_rate=3e-3, early_stopping=True, patience=30)
    remedies = [all_remedies()[name] for name in ("l1", "decoupled L2")]
    found, expected = (
        Search(trials=10, seed=2, crew=Crew(device=device), ledger=Ledger()).run(
            "treatment", material, remedies, base
        )
        for device in ("cuda", "cpu")
    )
    assert found.path.startswith(kind)
    assert "on cuda" in found.path
    assert found.settings == expected.settings
    assert found.promised.value == pytest.approx(expected.promised.value, rel=1e-3)


@CUDA
def test_final_trainings_on_a_device_are_those_of_the_processor():
    jobs = [Job(n, Recipe(epochs=8, batch_size=32, l2=1e-3 * n), 3) for n in range(3)]
    ours, theirs = (
        {job.key: out for job, out in Crew(device=device).finish("x", make_material(), jobs)}
        for device in ("cuda", "cpu")
    )
    for key, outcome in theirs.items():
        assert ours[key].train_log_loss == pytest.approx(outcome.train_log_loss, rel=1e-3)
        assert ours[key].l2_term == pytest.approx(outcome.l2_term, rel=1e-3)
        assert ours[key].weights.keys() == outcome.weights.keys()
