"""Runs told to other tools while they go on: one file per tool, written from results alone."""
