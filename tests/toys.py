"""Small data whose answer is known, and options that make a run last a second."""

import numpy as np
import pandas as pd

QUICK = ("--trials", 3, "--epochs", 3, "--seeds", 2, "--widths", "8", "--workers", 1, "--quiet")


def with_a_damaged_note(frame, path):
    """Write Parquet whose note on pandas' types lacks one of its words."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.Table.from_pandas(frame)
    note = table.schema.metadata[b"pandas"].replace(b"numpy_type", b"numpy_tape")
    pq.write_table(table.replace_schema_metadata({b"pandas": note}), path)


def make_frame(rows=90, seed=0):
    """Rows whose class hangs on two numbers and a category."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "age": rng.integers(18, 80, rows),
            "income": rng.lognormal(3, 1, rows).round(2),
            "city": rng.choice(["Seoul", "Busan", "Jeju"], rows),
        }
    )
    score = frame.age / 30 + (frame.city == "Seoul") + rng.normal(0, 0.5, rows)
    frame["bought"] = np.where(score > score.median(), "yes", "no")
    return frame


def timeless(value):
    """Leave out of a result what a clock said, at any depth."""
    if isinstance(value, dict):
        clock = [key for key in value if key.endswith("seconds")]
        return {k: timeless(v) for k, v in value.items() if k not in (*clock, "single_trainings")}
    return [timeless(part) for part in value] if isinstance(value, list) else value


def make_noisy(rows=400, columns=80):
    """One column says something, the others invite to learn by heart."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(rows, columns))
    bought = np.where(x[:, 0] + 0.7 * rng.normal(size=rows) > 0, "yes", "no")
    return pd.DataFrame(x).add_prefix("x").assign(bought=bought)
