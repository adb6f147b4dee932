"""The network as an ONNX graph with plain names, so that training can begin again from a shipped model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytest_ragtune import extras

OPSET, IR = 20, 10
"""The oldest with ``Gelu``, and the format version that goes with it."""
_HIDDEN_FLOOR = -10000.0


class Graph:
    """Nodes and initializers of a graph in the making.

    Args:
        weights: arrays by their name in the network.
        heads: attention heads of a layer.
    """

    def __init__(self, weights: Mapping[str, Any], heads: int) -> None:
        self._onnx = extras.load("onnx", extra="train")
        self._numpy = extras.load("numpy")
        self._weights = weights
        self._heads = heads
        self._nodes: list[Any] = []
        self._initializers: dict[str, Any] = {}

    def model(self) -> Any:
        """The whole model: token numbers in, two logits out."""
        layers = 1 + max(
            int(n.split(".")[3]) for n in self._weights if n.startswith("encoder.encoder.layer.")
        )
        mask = self._op("Cast", "attention_mask", to=self._onnx.TensorProto.FLOAT)
        hidden = self._embedded()
        bias = self._attention_bias(mask)
        for number in range(layers):
            hidden = self._layer(hidden, bias, f"encoder.encoder.layer.{number}")
        self._logits(hidden, mask)
        return self._finished()

    def _finished(self) -> Any:
        helper, types = self._onnx.helper, self._onnx.TensorProto
        names = ("input_ids", "attention_mask", "token_type_ids")
        inputs = [helper.make_tensor_value_info(name, types.INT64, ["n", "t"]) for name in names]
        output = helper.make_tensor_value_info("logits", types.FLOAT, ["n", 2])
        graph = helper.make_graph(self._nodes, "judge", inputs, [output], list(self._initializers.values()))
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR)
        self._onnx.checker.check_model(model)
        return model

    def _op(self, kind: str, *inputs: str, name: str = "", **attributes: Any) -> str:
        output = name or f"{kind}_{len(self._nodes)}"
        node = self._onnx.helper.make_node(kind, list(inputs), [output], name=f"node_{output}", **attributes)
        self._nodes.append(node)
        return output

    def _given(self, name: str, value: Any) -> str:
        if name not in self._initializers:
            array = self._numpy.array(value, order="C")
            self._initializers[name] = self._onnx.numpy_helper.from_array(array, name)
        return name

    def _weight(self, name: str, *, turned: bool = False) -> str:
        value = self._weights[name]
        return self._given(name, value.T if turned else value)

    def _integers(self, *values: int) -> str:
        array = self._numpy.array(values, dtype="int64")
        return self._given(f"integers_{'_'.join(map(str, values))}".replace("-", "m"), array)

    def _number(self, value: float) -> str:
        return self._given(f"number_{value:g}".replace("-", "m"), self._numpy.float32(value))

    def _linear(self, given: str, name: str) -> str:
        product = self._op("MatMul", given, self._weight(f"{name}.weight", turned=True))
        return self._op("Add", product, self._weight(f"{name}.bias"))

    def _norm(self, given: str, name: str) -> str:
        scale, bias = self._weight(f"{name}.weight"), self._weight(f"{name}.bias")
        return self._op("LayerNormalization", given, scale, bias, epsilon=1e-12, axis=-1)

    def _embedded(self) -> str:
        prefix = "encoder.embeddings"
        ids = self._op("Gather", self._weight(f"{prefix}.word_embeddings.weight"), "input_ids")
        kinds = self._op("Gather", self._weight(f"{prefix}.token_type_embeddings.weight"), "token_type_ids")
        shape = self._op("Shape", "input_ids")
        length = self._op("Squeeze", self._op("Gather", shape, self._integers(1)))
        zero, one = (self._given(f"scalar_{n}", self._numpy.int64(n)) for n in (0, 1))
        places = self._op("Range", zero, length, one)
        place = self._op("Gather", self._weight(f"{prefix}.position_embeddings.weight"), places)
        total = self._op("Add", self._op("Add", ids, kinds), place)
        return self._norm(total, f"{prefix}.LayerNorm")

    def _attention_bias(self, mask: str) -> str:
        wide = self._op("Unsqueeze", mask, self._integers(1, 2))
        return self._op("Mul", self._op("Sub", self._number(1.0), wide), self._number(_HIDDEN_FLOOR))

    def _layer(self, hidden: str, bias: str, name: str) -> str:
        width = self._weights[f"{name}.attention.self.query.weight"].shape[0]
        split = self._integers(0, 0, self._heads, width // self._heads)
        parts = [
            self._op(
                "Transpose",
                self._op("Reshape", self._linear(hidden, f"{name}.attention.self.{part}"), split),
                perm=order,
            )
            for part, order in (("query", [0, 2, 1, 3]), ("key", [0, 2, 3, 1]), ("value", [0, 2, 1, 3]))
        ]
        product = self._op("MatMul", parts[0], parts[1])
        scaled = self._op("Mul", product, self._number(float((width // self._heads) ** -0.5)))
        shares = self._op("Softmax", self._op("Add", scaled, bias), axis=-1)
        mixed = self._op("Transpose", self._op("MatMul", shares, parts[2]), perm=[0, 2, 1, 3])
        joined = self._op("Reshape", mixed, self._integers(0, 0, width))
        attended = self._op("Add", self._linear(joined, f"{name}.attention.output.dense"), hidden)
        middle = self._norm(attended, f"{name}.attention.output.LayerNorm")
        wide = self._op("Gelu", self._linear(middle, f"{name}.intermediate.dense"))
        out = self._op("Add", self._linear(wide, f"{name}.output.dense"), middle)
        return self._norm(out, f"{name}.output.LayerNorm")

    def _logits(self, hidden: str, mask: str) -> None:
        first = self._op("Squeeze", self._op("Gather", hidden, self._integers(0), axis=1), self._integers(1))
        count = self._op("ReduceSum", mask, self._integers(1), keepdims=1)
        mean = self._op("Div", self._summed(hidden, mask), count)
        joined = self._op("Concat", first, mean, self._alike(hidden, mask), axis=1)
        pooled = self._op("Tanh", self._linear(joined, "dense"))
        four = self._linear(pooled, "out")
        others = self._op("Slice", four, self._integers(1), self._integers(3), self._integers(1))
        unsupported = self._op("ReduceLogSumExp", others, self._integers(1), keepdims=1)
        yes = self._op("Slice", four, self._integers(0), self._integers(1), self._integers(1))
        answers = self._op("Slice", four, self._integers(3), self._integers(4), self._integers(1))
        self._op("Concat", self._op("Sub", yes, unsupported), answers, axis=1, name="logits")

    def _summed(self, hidden: str, mask: str) -> str:
        column = self._op("Unsqueeze", mask, self._integers(2))
        return self._op("ReduceSum", self._op("Mul", hidden, column), self._integers(1), keepdims=0)

    def _alike(self, hidden: str, mask: str) -> str:
        """The product of the directions of the two texts' means, dimension by dimension."""
        kinds = self._op("Cast", "token_type_ids", to=self._onnx.TensorProto.FLOAT)
        second = self._op("Mul", mask, kinds)
        directions = [
            self._op("LpNormalization", self._summed(hidden, part), axis=1, p=2)
            for part in (self._op("Sub", mask, second), second)
        ]
        width = self._weights["dense.weight"].shape[0]
        return self._op("Mul", self._op("Mul", *directions), self._number(float(width)))


def export(network: Any, path: Path, *, quantised: bool = True) -> None:
    """Write ``network`` to ``path``: its matrices and embeddings in 8 bits, its heads in full."""
    weights = {name: value.detach().numpy() for name, value in network.state_dict().items()}
    model = Graph(weights, network.encoder.config.num_attention_heads).model()
    write_model(model, path, quantised=quantised)


def write_model(model: Any, path: Path, *, quantised: bool = True) -> None:
    """Write an ONNX model, in 8 bits but for its heads and for products of two activations."""
    onnx = extras.load("onnx", extra="train")
    if not quantised:
        onnx.save(model, path)
        return
    quantisation = extras.load("onnxruntime.quantization", extra="train")
    given = {item.name for item in model.graph.initializer}
    kept = ("dense.weight", "out.weight", "token_type_embeddings.weight", "position_embeddings.weight")
    full = [
        node.name
        for node in model.graph.node
        if node.op_type in ("MatMul", "Gather") and not _may_shrink(node, given, kept)
    ]
    unquantised = path.with_suffix(".full.onnx")
    onnx.save(model, unquantised)
    try:
        quantisation.quantize_dynamic(
            unquantised, path, weight_type=quantisation.QuantType.QInt8, nodes_to_exclude=full,
            op_types_to_quantize=["MatMul", "Gather"], per_channel=True, reduce_range=True,
        )  # fmt: skip
    finally:
        unquantised.unlink()


def _may_shrink(node: Any, given: set[str], kept: tuple[str, ...]) -> bool:
    """Whether a node's weights are large enough to be worth rounding."""
    weights = [name for name in node.input if name in given and name.endswith(".weight")]
    return bool(weights) and not any(w.endswith(kept[2:]) or w in kept[:2] for w in weights)


def load_weights(network: Any, path: Path) -> None:
    """Put the weights of an exported model into ``network``, those in 8 bits at their rounded values."""
    onnx = extras.load("onnx", extra="train")
    torch = extras.load("torch", extra="train")
    arrays = {i.name: onnx.numpy_helper.to_array(i) for i in onnx.load(path).graph.initializer}
    found = {}
    for name, value in network.state_dict().items():
        array = _plain(arrays, name)
        turned = array.T if value.ndim == 2 and "embeddings" not in name else array
        if tuple(turned.shape) != tuple(value.shape):
            raise ValueError(
                f"{path}: {name} has shape {turned.shape}: expected {tuple(value.shape)}, as the base has"
            )
        found[name] = torch.tensor(turned.copy(), dtype=value.dtype)
    network.load_state_dict(found)


def _plain(arrays: Mapping[str, Any], name: str) -> Any:
    if name in arrays:
        return arrays[name]
    if f"{name}_quantized" not in arrays:
        raise ValueError(f"the model holds no weights named {name!r}: expected a model that ragtune trained")
    scale, zero = arrays[f"{name}_scale"], arrays[f"{name}_zero_point"]
    return (arrays[f"{name}_quantized"].astype("float32") - zero.astype("float32")) * scale
