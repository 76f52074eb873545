"""Search the strengths of a set of remedies, and choose with care."""
