"""Measure the chain on sets of questions, offline: `python -m eval run SET`, `python -m eval compare A B`."""
