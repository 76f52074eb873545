"""From a question to a run folder: load, split, search, compare, save, report."""
