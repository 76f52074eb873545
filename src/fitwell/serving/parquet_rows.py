"""Parquet bodies to rows."""

import io
from collections.abc import Sequence

import pandas as pd

from fitwell.data.reading import frame_of, readable
from fitwell.errors import InputError
from fitwell.serving.limits import MAX_BODY, TooLarge, check_rows

MOST = 8 * MAX_BODY
"""Bytes that the columns may take when unpacked."""


def read_parquet(body: bytes, names: Sequence[str]) -> pd.DataFrame:
    """Read the columns of a model; what the file says of its size is checked before.

    Raises:
        TooLarge: too many rows, or too much when unpacked.
        InputError: not a Parquet file of one column per name.
    """
    from pyarrow import ArrowException, parquet

    try:
        file = parquet.ParquetFile(io.BytesIO(body))
        about = file.metadata
        check_rows(about.num_rows)
        unpacked = sum(about.row_group(n).total_byte_size for n in range(about.num_row_groups))
        if unpacked > MOST:
            raise TooLarge(f"the Parquet file unpacks to over {MOST:,} bytes; send fewer rows")
        schema = file.schema_arrow
        wanted = [name for name in schema.names if name in set(names)]
        for name in wanted:
            if schema.names.count(name) > 1 or not readable(schema.field(name).type):
                raise InputError(
                    f"the Parquet file's column {name!r} is there twice, or holds no numbers, text,"
                    " Booleans or dates; convert it"
                )
        # An encoding may repeat one value for ever: pieces show it before it fills the memory.
        pieces, rows = [], 0
        for piece in file.iter_batches(batch_size=8192, columns=wanted, use_threads=False):
            rows += piece.num_rows
            check_rows(rows)
            pieces.append(frame_of(piece))
    except (ArrowException, OSError, ValueError, OverflowError, MemoryError) as error:
        if isinstance(error, InputError):
            raise
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"the body is not a Parquet file that can be read: {reason}") from error
    if not rows:
        raise InputError("the Parquet file has no rows; send at least one")
    frame: pd.DataFrame = pd.concat(pieces, ignore_index=True)
    return frame
