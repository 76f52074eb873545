"""A run's network as one file for another runtime, proven to answer as torch does."""
