"""Is the gap real, how large is it, and where does it come from: one file per check."""
