"""No torch and no CUDA in this .venv: they are gigabytes, and the default install does not need them."""

from __future__ import annotations

from importlib.metadata import distributions

HEAVY = ("torch", "nvidia", "triton", "cuda", "sentence-transformers")


def test_nothing_of_torch_or_cuda_is_installed() -> None:
    names = {(one.metadata["Name"] or "").lower().replace("_", "-") for one in distributions()}
    assert not [name for name in names if name.startswith(HEAVY)]
