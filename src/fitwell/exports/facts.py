"""What is written into an exported file, and what is told of it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fitwell.exports.network import INPUT, OUTPUT
from fitwell.exports.parity import TOLERANCE, Parity
from fitwell.exports.preprocessing import describe_encoder
from fitwell.model_files import Predictor
from fitwell.version import __version__

SHOWN = 12
"""Columns that are told on the terminal; the file names all."""


def facts(predictor: Predictor, asked: Mapping[str, Any], model_sha256: str) -> dict[str, str]:
    """Give the metadata of a file: texts, those with structure as JSON."""
    described = describe_encoder(predictor.encoder)
    data = asked.get("data")
    structured = {
        "classes": list(predictor.classes),
        "input": {"name": INPUT, "type": "float32", "shape": ["batch", *predictor.shape]},
        "output": {
            "name": OUTPUT,
            "type": "float32",
            "shape": ["batch", len(predictor.classes)],
            "what": "softmax probabilities, one per class, in the order of classes",
        },
        "preprocessing": {"inside": False, **described},
        "run": {
            "id": asked.get("id", ""),
            "data_fingerprint": data.get("fingerprint", "") if isinstance(data, dict) else "",
            "versions": asked.get("versions", {}),
        },
    }
    return {
        "fitwell": __version__,
        "model_sha256": model_sha256,
        **{key: json.dumps(value, ensure_ascii=False) for key, value in structured.items()},
    }


def told(predictor: Predictor, out: Path, parity: Parity, by: str) -> str:
    """Say what was written, what goes in and comes out, and what stays outside."""
    shape = ", ".join(str(size) for size in predictor.shape)
    return "\n".join(
        [
            f"{out}: {out.stat().st_size:,} bytes",
            f"output {OUTPUT!r}: softmax probabilities, float32 [batch, {len(predictor.classes)}]:"
            f" {_some(predictor.classes)}",
            f"parity with torch: largest difference {parity.largest:.1e} over {parity.rows} rows,"
            f" at most {TOLERANCE:g} is allowed; checked by {by}",
            f"input {INPUT!r}: float32 [batch, {shape}]. Preprocessing is not in the file:",
            *_preprocessing(predictor),
        ]
    )


def _preprocessing(predictor: Predictor) -> list[str]:
    described = describe_encoder(predictor.encoder)
    if described["kind"] == "none":
        return [f"  {described['how']}"]
    where = "  every constant is in the file's metadata, under 'preprocessing'"
    if described["kind"] == "image":
        return [f"  {described['how']}", where]
    columns = [f"{name} ({kind})" for name, kind in described["columns"]]
    return [
        f"  columns: {_some(columns)}",
        *(f"  {kind}: {how}" for kind, how in described["how"].items()),
        where,
    ]


def _some(names: Any) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
