"""The steps of a turn, one file each. Steps never call steps; only the pipeline does."""
