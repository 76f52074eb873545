"""Facts about the data and the run as pairs of a name and a value."""

from collections.abc import Mapping

from fitwell.report.language import translate
from fitwell.report.numbers import bounds, duration, percent
from fitwell.results import Result

SHOWN_CLASSES = 12
"""Of a target with more classes only so many are named."""

Facts = tuple[tuple[str, str], ...]


def data_facts(result: Result, lang: str) -> Facts:
    """Describe the data: sizes, shares, classes, what can be reached."""
    data = result.data
    facts = [
        ("Data", data.name),
        ("Rows", f"{data.rows:,}"),
        ("Features", f"{data.features:,}"),
        ("Input of the network", " × ".join(f"{n:,}" for n in data.inputs)),
        ("Training rows", _part(data.train, data.rows, lang)),
        ("Validation rows", _part(data.validation, data.rows, lang)),
        ("Test rows", _part(data.test, data.rows, lang)),
        ("Classes", _classes(result.classes, lang)),
    ]
    best = data.best_reachable_accuracy
    if best:
        value = f"{percent(best.value, lang)} {bounds(best)}"
        facts.append(("Best reachable test accuracy", value))
    return tuple((translate(name, lang), value) for name, value in facts)


def _part(rows: int, total: int, lang: str) -> str:
    return f"{rows:,} ({percent(rows / total, lang, 0)})" if total else f"{rows:,}"


def _classes(names: tuple[str, ...], lang: str) -> str:
    shown = ", ".join(names[:SHOWN_CLASSES])
    more = len(names) - SHOWN_CLASSES
    text = f"{len(names)}: {shown}"
    return text + translate(" and {count} more", lang).format(count=more) if more > 0 else text


def method_facts(result: Result, run: Mapping[str, object], lang: str) -> Facts:
    """Describe how it was done, as far as ``run`` says."""
    cost, data = result.cost, _mapping(run.get("data"))
    spent = translate("{trials} trials, {epochs} epochs, as long as {count} single trainings", lang)
    facts = [
        ("Kind of run", _joined(run.get("verb") or result.verb)),
        ("Started", _joined(run.get("started"))),
        ("Time", duration(cost.seconds, lang)),
        (
            "Work",
            spent.format(
                trials=f"{cost.trials:,}",
                epochs=f"{cost.epochs:,}",
                count=f"{cost.single_trainings:,.0f}",
            ),
        ),
        ("Openings of the test part", str(result.test_openings)),
        (
            "Data fingerprint, SHA-256",
            _joined(data.get("fingerprint") or result.data.fingerprint),
        ),
        ("Seed of split and search", _joined(_seed(run))),
        ("Seeds of the last trainings", _joined(_seeds(result, run))),
        ("Options", _pairs(_options(run))),
        ("Versions", _pairs({"fitwell": run.get("fitwell"), **_mapping(run.get("versions"))})),
    ]
    return tuple((translate(name, lang), value) for name, value in facts if value)


def opened_sentence(run: Mapping[str, object], lang: str) -> str:
    """Say that the test part was seen more than once; empty where it was not."""
    openings, elsewhere = run.get("test_openings"), _joined(run.get("opened_elsewhere"))
    times = len(openings) if isinstance(openings, list | tuple) else 1
    sentences = []
    if times > 1:
        sentences.append("The test part was opened {times} times in this folder.")
    if elsewhere:
        sentences.append("The runs beside this one opened the same test part: {names}.")
    if sentences:
        sentences.append(
            "What is chosen after a look at test rows is flattered by them: their intervals hold"
            " for the first look only."
        )
    return " ".join(translate(s, lang).format(times=times, names=elsewhere) for s in sentences)


def _seed(run: Mapping[str, object]) -> object:
    found = run.get("seed", _mapping(run.get("options")).get("seed"))
    return _mapping(run.get("split")).get("seed") if found is None else found


def _seeds(result: Result, run: Mapping[str, object]) -> object:
    if result.comparison and result.comparison.arms:
        return result.comparison.arms[0].seeds
    return run.get("seeds")


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _options(run: Mapping[str, object]) -> Mapping[str, object]:
    """Give the options that say something: not those that are off or left to fitwell."""
    left = {"batch_size": 0, "seeds": 0, "resamples": -1, "budget": 0, "device": "auto"}
    return {
        name: value
        for name, value in _mapping(run.get("options")).items()
        if name != "verb" and value is not False and value != left.get(name)
    }


def _joined(value: object) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(str(item) for item in value)
    return "" if value is None else str(value)


def _pairs(value: object) -> str:
    """Write ``name value`` pairs; what is empty or None is left out."""
    pairs = ((str(name), _joined(item)) for name, item in _mapping(value).items())
    return ", ".join(f"{name} {item}" for name, item in pairs if item)
