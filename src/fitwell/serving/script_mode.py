"""A model under AWS's own inference toolkit, in script mode.

The archive's ``code/inference.py`` needs one line, and ``code/requirements.txt`` names fitwell::

    from fitwell.serving.script_mode import model_fn, transform_fn

Bodies are read and answers written as ``fitwell serve`` does. The toolkit's own server takes
bodies of 6.5 MB at most, and has no /metrics.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from fitwell.errors import InputError
from fitwell.model_files import Predictor
from fitwell.runs.prediction import load_predictor
from fitwell.serving.answers import choose, write_answer
from fitwell.serving.app import STATUS
from fitwell.serving.batches import warm_up
from fitwell.serving.bodies import Reader


@dataclass(frozen=True)
class Loaded:
    """A model, and what reads rows for it."""

    predictor: Predictor
    reader: Reader


def model_fn(model_dir: str) -> Loaded:
    """Load the model of an unpacked archive; it has answered once before it is given back.

    A network of the user's own is named by the variable FITWELL_MODEL, as ``module:factory``.

    Raises:
        InputError: the folder holds no model of fitwell, or it does not answer.
    """
    predictor = load_predictor(Path(model_dir), os.environ.get("FITWELL_MODEL") or None)
    reader = Reader(predictor.encoder, predictor.shape)
    warm_up(predictor, reader.example())
    return Loaded(predictor, reader)


def transform_fn(
    model: Loaded, body: bytes | bytearray | str, content_type: str | None, accept: str | None
) -> tuple[bytes, str]:
    """Answer a request; give the answer and its media type.

    Args:
        model: of `model_fn`.
        body: bytes; text where the toolkit has decoded it.
        content_type: of the body.
        accept: the types that the answer may have.

    Raises:
        GenericInferenceToolkitError: the toolkit's own, with the status of ``fitwell serve``
            and its line, where the request does not fit.
    """
    raw = body.encode() if isinstance(body, str) else bytes(body)
    try:
        choose(accept or "")
        rows = model.reader.read(raw, content_type or "")
        probabilities = model.predictor.predict_proba(rows)
        return write_answer(probabilities, model.predictor.classes, accept or "")
    except InputError as error:
        from sagemaker_inference.errors import GenericInferenceToolkitError

        line = " ".join(str(error).split())
        raise GenericInferenceToolkitError(STATUS.get(type(error), 400), line) from None
