"""What a population has done so far, as files, so that a kill loses little of it.

A search is a function of its data and its seed, so going on means doing it again and
finding most of it done: each piece of work, some members from one epoch to another, is kept
under its name.
"""

import json
import os
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from fitwell.population.job import Member, State, Track
from fitwell.recipe import Rule

_NONE = np.empty(0, np.float32)


class Store:
    """States by name, in a folder; without one nothing is kept.

    Args:
        folder: where they lie.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._heavy: set[Path] = set()
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)

    def inner(self, name: str) -> "Store":
        """Give a store of its own inside this one, for what has the same names."""
        return Store(self._folder / name if self._folder is not None else None)

    @property
    def keeps(self) -> bool:
        """Whether anything is kept."""
        return self._folder is not None

    def get(self, name: str) -> State | None:
        """Read a state; None where there is none, or where its writing was cut off."""
        if self._folder is None or not self._file(name).exists():
            return None
        try:
            with safe_open(self._file(name), framework="numpy") as file:
                told = json.loads(file.metadata()["tracks"])
                arrays = {key: file.get_tensor(key) for key in file.keys()}
        except (SafetensorError, KeyError, ValueError):
            return None
        return State(
            tracks=tuple(_track(one, arrays, place) for place, one in enumerate(told)),
            weights=tuple(arrays["weights"]),
            first=tuple(arrays["first"]),
            second=tuple(arrays["second"]),
        )

    def put(self, name: str, state: State, *, light: bool = False) -> None:
        """Write a state whole or not at all.

        Args:
            name: of letters, digits and hyphens.
            state: to be kept.
            light: leave out the weights, which nobody will train on from here.
        """
        if self._folder is None:
            return
        vectors = {"weights": state.weights, "first": state.first, "second": state.second}
        end = 0 if light else None
        arrays = {key: np.stack([one[:end] for one in each]) for key, each in vectors.items()}
        told = []
        for place, track in enumerate(state.tracks):
            arrays[f"judged-{place}"] = track.judged
            if track.kept is not None:
                arrays[f"kept-{place}"] = track.kept
            told.append({**asdict(replace(track, judged=_NONE, kept=None)), "judged": None})
        temporary = self._file(name).with_suffix(".tmp")
        whole = {key: np.ascontiguousarray(array) for key, array in arrays.items()}
        temporary.write_bytes(save(whole, {"tracks": json.dumps(told)}))
        os.replace(temporary, self._file(name))

    def settle(self, stage: str) -> None:
        """Say that a stage is done: what led to it will not be trained on, and becomes light."""
        if self._folder is None:
            return
        for file in self._heavy - set(self._folder.glob(f"{stage}-*.safetensors")):
            state = self.get(file.stem)
            if state is not None:
                self.put(file.stem, state, light=True)
        self._heavy = set(self._folder.glob(f"{stage}-*.safetensors"))

    def _file(self, name: str) -> Path:
        assert self._folder is not None
        return self._folder / f"{name}.safetensors"


def _track(told: dict[str, Any], arrays: dict[str, Any], place: int) -> Track:
    listed = {key: tuple(told[key]) for key in ("train", "read_at", "validation", "best")}
    listed["curves"] = tuple(map(tuple, told["curves"]))
    rules = tuple(Rule(*rule) for rule in told["member"]["rules"])
    return Track(
        **{
            **told,
            **listed,
            "member": Member(**{**told["member"], "rules": rules}),
            "judged": arrays[f"judged-{place}"],
            "kept": arrays.get(f"kept-{place}"),
        }
    )
