"""Take some members from one epoch to a later one. Where and with whom changes nothing."""

from collections.abc import Callable, Sequence

import numpy as np
import torch

from fitwell.population.course import Course
from fitwell.population.fused import Fused, Rates
from fitwell.population.job import Member, State
from fitwell.population.reader import Reader
from fitwell.recipe import Recipe
from fitwell.remedies.dropout import schedule
from fitwell.remedies.shuffling import batches, key_of, order_of


def advance(
    course: Course, state: State, until: int, on_epoch: Callable[[], None] = lambda: None
) -> State:
    """Train every member of a state until an epoch is done.

    Batches are keyed by seed and epoch, noise by seed, epoch, batch and layer, and members
    never mix. So a member's numbers are those of a training on its own, bit for bit where
    the matrix products are, whoever is trained beside it and however often it is cut.
    """
    material, recipe = course.material, course.recipe
    x, y = torch.from_numpy(material.train_x).flatten(1), material.train_y
    held, classes = torch.from_numpy(material.validation_x).flatten(1), material.validation_y
    class_weights = material.class_weights(recipe)
    members = [track.member for track in state.tracks]
    ends = {member.epochs or recipe.epochs for member in members}
    fused = Fused(course.stack, state.weights, state.first, state.second, 0)
    reader = Reader(state.tracks, course, class_weights[classes])
    for epoch in range(state.epoch + 1, until + 1):
        order = order_of(course.seed, epoch)
        parts = list(batches(len(x), recipe.batch_size, recipe.sampling, order))
        fused.steps = (epoch - 1) * len(parts)
        rates = _rates(members, recipe, epoch)
        loss = np.zeros(fused.members)
        for number, rows in enumerate(parts):
            taken = rows.numpy()
            weight = class_weights[y[taken]]
            keys = [
                np.uint64(key_of(course.seed, epoch, number, layer))
                for layer in range(len(course.stack.sizes) - 2)
            ]
            fused.step(x[rows], y[taken], weight / weight.sum(), rates, keys, loss)
        reader.trained(loss / len(parts))
        if epoch % course.read_every == 0 or epoch in ends:
            reader.read(epoch, fused.losses(held, classes), fused)
        if course.curves:
            reader.follow(x, y, class_weights, fused)
        on_epoch()
    weights, first, second = fused.vectors
    return State(tracks=reader.tracks(), weights=weights, first=first, second=second)


def _rates(members: Sequence[Member], recipe: Recipe, epoch: int) -> Rates:
    done = (epoch - 1) / recipe.epochs
    rate = recipe.learning_rate
    if recipe.schedule == "flat-cosine":
        rate *= schedule("flat-cosine", done)
    share = [schedule("flat-cosine", done) if member.fades else 1.0 for member in members]
    return Rates(
        learning=np.array(
            [(rate, m.l1, m.l2, m.decay * s) for m, s in zip(members, share, strict=True)],
            np.float32,
        ),
        dropout=np.array([m.dropout * s for m, s in zip(members, share, strict=True)]),
    )
