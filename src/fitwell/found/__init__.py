"""Parts of a result, as plain data: what `results.py` is put together from."""
