import importlib
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from fitwell.errors import TrainingFailed
from fitwell.models.blueprint import Blueprint
from fitwell.recipe import Recipe
from fitwell.remedies.early_stopping import cross_fitted, split_parts
from fitwell.remedies.shuffling import batches, order_of
from fitwell.statistics import row_log_losses
from fitwell.task import Material
from fitwell.training.loop import probabilities, restore, train
from fitwell.training.outcome import Job
from fitwell.training.workers import Crew


def make_material(rows=120, columns=6, classes=3, seed=0, widths=(16,)):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, columns)).astype(np.float32)
    y = (x[:, :classes] + rng.normal(size=(rows, classes))).argmax(axis=1).astype(np.int64)
    cut = rows * 3 // 4
    return Material(
        train_x=x[:cut],
        train_y=y[:cut],
        validation_x=x[cut:],
        validation_y=y[cut:],
        outputs=classes,
        blueprint=Blueprint(kind="mlp", widths=widths),
    )


RECIPE = Recipe(epochs=5, batch_size=16, learning_rate=0.01)


def test_the_loop_equals_plain_torch_step_by_step():
    material, recipe = make_material(), replace(RECIPE, l2=0.01)
    outcome = train(material, recipe, seed=3)
    with torch.random.fork_rng():
        torch.manual_seed(3)
        net = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 3))
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    x, y = torch.from_numpy(material.train_x), torch.from_numpy(material.train_y)
    for epoch in range(1, 6):
        for batch in batches(len(x), 16, "reshuffle", order_of(3, epoch)):
            optimizer.zero_grad()
            weights = [net[0].weight, net[2].weight]
            penalty = 0.01 * sum(w.square().sum() for w in weights)
            (nn.functional.cross_entropy(net(x[batch]), y[batch]) + penalty).backward()
            optimizer.step()
    for name, value in net.state_dict().items():
        # float32, and a fused optimizer: the last bits differ.
        np.testing.assert_allclose(outcome.weights[name], value.numpy(), rtol=1e-4, atol=1e-5)


def test_the_same_seed_gives_the_same_weights_and_another_seed_others():
    material = make_material()
    first, again, other = (train(material, RECIPE, seed) for seed in (0, 0, 1))
    assert all(np.array_equal(first.weights[k], again.weights[k]) for k in first.weights)
    assert not all(np.array_equal(first.weights[k], other.weights[k]) for k in first.weights)


def test_torchs_random_state_and_threads_are_left_as_they_were():
    state, threads = torch.random.get_rng_state(), torch.get_num_threads()
    train(make_material(), RECIPE, seed=0)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert torch.get_num_threads() == threads


def test_early_stopping_keeps_the_weights_of_the_best_epoch():
    material = make_material(widths=(64,))
    recipe = replace(RECIPE, epochs=60, patience=4, early_stopping=True)
    outcome = train(material, recipe, seed=0)
    assert outcome.best_epoch == int(np.argmin(outcome.validation_log_loss)) + 1
    assert outcome.epochs < 60
    network = restore(material, recipe, outcome)
    p = probabilities(network, material.validation_x)
    loss = -np.log(p[np.arange(len(p)), material.validation_y]).mean()
    assert loss == pytest.approx(min(outcome.validation_log_loss), abs=1e-5)


def test_without_early_stopping_the_last_epoch_is_kept():
    outcome = train(make_material(), RECIPE, seed=0)
    assert outcome.best_epoch == outcome.epochs == 5


def test_the_three_terms_are_logged_apart():
    material = make_material()
    outcome = train(material, replace(RECIPE, l1=0.01, l2=0.02), seed=0)
    weights = [outcome.weights[name] for name in ("0.weight", "2.weight")]
    assert outcome.l1_term[-1] == pytest.approx(
        0.01 * sum(np.abs(w).sum() for w in weights), rel=1e-5
    )
    assert outcome.l2_term[-1] == pytest.approx(0.02 * sum((w**2).sum() for w in weights), rel=1e-5)
    network = restore(material, RECIPE, outcome)
    p = probabilities(network, material.train_x)
    loss = -np.log(p[np.arange(len(p)), material.train_y]).mean()
    assert outcome.train_log_loss[-1] == pytest.approx(loss, abs=1e-5)


def test_l1_leaves_exact_zeros():
    assert train(make_material(), replace(RECIPE, l1=0.02), seed=0).zeros > 0.1
    assert train(make_material(), RECIPE, seed=0).zeros == 0


def test_all_rows_trains_on_validation_rows_for_the_given_epochs():
    material = make_material()
    recipe = replace(RECIPE, all_rows=True, stop_after=3)
    outcome = train(material, recipe, seed=0)
    assert outcome.epochs == outcome.best_epoch == 3
    assert outcome.validation_log_loss == ()
    changed = replace(material, validation_x=material.validation_x + 1)
    assert not np.array_equal(
        train(changed, recipe, seed=0).weights["0.weight"], outcome.weights["0.weight"]
    )


def test_a_training_of_so_many_epochs_is_not_stopped_and_judged_at_its_end():
    material = make_material()
    recipe = replace(RECIPE, epochs=60, patience=1, learning_rate=0.05, early_stopping=True)
    best = train(material, recipe, seed=0).best_epoch
    longer = best + 20
    outcome = train(material, replace(recipe, stop_after=longer), seed=0)
    assert outcome.epochs == outcome.best_epoch == longer
    held = probabilities(restore(material, recipe, outcome), material.validation_x)
    expected = row_log_losses(held, material.validation_y)
    np.testing.assert_allclose(outcome.judged, expected, atol=1e-5)
    assert outcome.judged.mean() > min(outcome.validation_log_loss)


def test_validation_rows_do_not_change_the_weights_of_an_epoch():
    material = make_material()
    changed = replace(material, validation_x=material.validation_x[::-1].copy())
    first, second = train(material, RECIPE, seed=0), train(changed, RECIPE, seed=0)
    assert np.array_equal(first.weights["0.weight"], second.weights["0.weight"])


def test_balanced_class_weights_help_the_rare_class():
    rng = np.random.default_rng(0)
    y = (rng.random(400) < 0.1).astype(np.int64)
    x = (rng.normal(size=(400, 2)) + y[:, None]).astype(np.float32)
    material = Material(
        train_x=x[:300],
        train_y=y[:300],
        validation_x=x[300:],
        validation_y=y[300:],
        outputs=2,
        blueprint=Blueprint(kind="mlp", widths=(8,)),
    )
    found = {}
    for weights in ("none", "balanced"):
        recipe = replace(RECIPE, epochs=20, class_weights=weights)
        network = restore(material, recipe, train(material, recipe, seed=0))
        found[weights] = probabilities(network, x[300:]).argmax(axis=1).sum()
    assert found["balanced"] > 2 * found["none"]


def test_the_schedule_ends_near_zero():
    material = make_material()
    recipe = replace(RECIPE, epochs=40, schedule="flat-cosine")
    first = train(material, replace(recipe, all_rows=True, stop_after=39), seed=0)
    last = train(material, replace(recipe, all_rows=True, stop_after=40), seed=0)
    step = np.abs(first.weights["0.weight"] - last.weights["0.weight"]).max()
    assert 0 < step < 0.01 * 0.05


def test_a_loss_that_is_not_finite_ends_the_training():
    material = make_material()
    with pytest.raises(TrainingFailed, match="the loss became"):
        train(material, replace(RECIPE, learning_rate=1e30), seed=0)


def test_a_diverged_job_yields_nothing_and_the_others_go_on():
    jobs = [Job(0, replace(RECIPE, learning_rate=1e30), 0), Job(1, RECIPE, 0)]
    found = {job.key: outcome for job, outcome in Crew().run(make_material(), jobs)}
    assert found[0] is None
    assert found[1] is not None


@pytest.mark.slow
def test_workers_give_what_one_process_gives():
    material = make_material(rows=4000, columns=100)
    jobs = [Job(seed, replace(RECIPE, dropout=0.3), seed) for seed in range(4)]
    alone = {job.key: outcome for job, outcome in Crew(workers=1).run(material, jobs)}
    crew = {job.key: outcome for job, outcome in Crew(workers=2).run(material, jobs)}
    for key, outcome in alone.items():
        assert np.array_equal(outcome.weights["0.weight"], crew[key].weights["0.weight"])


OWN = """
from torch import nn

def make(inputs, outputs):
    return nn.Sequential(nn.Linear(inputs, 8), nn.{}(), nn.Linear(8, outputs))
"""


@pytest.mark.slow
def test_workers_of_the_next_run_train_what_the_user_has_changed_since(tmp_path, monkeypatch):
    plain, file = make_material(), tmp_path / "own_network_of_a_notebook.py"
    [*Crew(workers=2).run(plain, [Job(0, RECIPE, 0)])]  # before the folder is on the path
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # its time has whole seconds
    file.write_text(OWN.format("ReLU"))
    module = importlib.import_module(file.stem)
    found = []
    for activation in ("ReLU", "Sigmoid"):
        file.write_text(OWN.format(activation))
        make = importlib.reload(module).make
        material = replace(plain, blueprint=Blueprint(kind="custom", factory=make))
        for workers in (1, 2):
            [(_, outcome)] = Crew(workers=workers).run(material, [Job(0, RECIPE, 0)])
            found.append(outcome.weights["0.weight"])
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[2], found[3])
    assert not np.array_equal(found[0], found[2])


def test_each_part_is_judged_at_the_epoch_that_the_others_chose():
    losses = np.array([[1, 5, 5, 5], [4, 3, 3, 2], [9, 2, 4, 9]], dtype=np.float32)
    np.testing.assert_array_equal(cross_fitted(losses, np.array([0, 1, 2, 1])), [4, 5, 3, 5])
    np.testing.assert_array_equal(cross_fitted(losses, np.array([0, 0, 1, 1])), [4, 3, 5, 5])


def test_rows_of_a_single_group_are_judged_at_their_own_minimum():
    losses = np.array([[3, 3], [1, 2], [2, 9]], dtype=np.float32)
    part = split_parts(2, seed=0, groups=np.array([7, 7]))
    np.testing.assert_array_equal(cross_fitted(losses, part), [1, 2])


def test_the_cross_fitted_loss_is_not_flattered_by_the_choice_of_epoch():
    """Pure noise: the best of 40 epochs looks 4 errors too good; cross-fitting does not."""
    rng = np.random.default_rng(0)
    parts, means, flattered = split_parts(100, seed=0), [], []
    for _ in range(400):
        losses = rng.normal(1, 1, size=(40, 100)).astype(np.float32)
        means.append(cross_fitted(losses, parts).mean())
        flattered.append(losses.mean(axis=1).min())
    error = 0.1 / 400**0.5
    assert abs(np.mean(means) - 1) < 4 * error
    assert np.mean(flattered) < 1 - 20 * error


@pytest.mark.parametrize("sampling", ["reshuffle", "replacement"])
def test_an_epoch_draws_as_many_rows_as_there_are(sampling):
    order = torch.Generator().manual_seed(0)
    drawn = torch.cat(list(batches(100, 32, sampling, order)))
    assert len(drawn) == 100
    assert (len(drawn.unique()) == 100) == (sampling == "reshuffle")


def test_a_last_batch_of_one_row_is_left_out():
    order = torch.Generator().manual_seed(0)
    assert [len(batch) for batch in batches(33, 16, "reshuffle", order)] == [16, 16]
