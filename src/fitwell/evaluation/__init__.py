"""Measures of a network on the test rows, from its probabilities; and of its weights."""
