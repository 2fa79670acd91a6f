"""The judge. Pure: facts in, Verdict out."""
