"""Which settings a search tries, in which order: a function of the seed alone."""

from collections.abc import Sequence

from scipy.stats import qmc

from fitwell.remedies.remedy import Parameter, Remedy, Setting

Settings = dict[str, Setting]


def parameters_of(remedies: Sequence[Remedy]) -> list[Parameter]:
    """All parameters of a set of remedies, in order."""
    return [parameter for remedy in remedies for parameter in remedy.parameters]


def candidates(remedies: Sequence[Remedy], trials: int, seed: int) -> list[Settings]:
    """List the settings to try: none, then the defaults, then quasi-random ones.

    The first is empty: the recipe as it stands, without these remedies. The rest is a
    scrambled Sobol sequence through `Parameter.at`, so that the first n candidates are
    the same however many are asked for.

    Reference:
        Bergstra and Bengio, JMLR 13, 2012; Owen, 1998 (scrambling).
    """
    parameters = parameters_of(remedies)
    if not parameters:
        return [{}]
    found: list[Settings] = [{}, {p.key: p.default for p in parameters}]
    power = max(1, (max(trials, 4) - 1).bit_length())
    points = qmc.Sobol(len(parameters), rng=seed).random_base2(power)
    found += [
        {p.key: p.at(float(u)) for p, u in zip(parameters, point, strict=True)} for point in points
    ]
    return found[:trials]
