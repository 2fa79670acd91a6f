"""Measures: interleaved rounds, raw samples, a table. `python -m bench` runs every scenario."""
