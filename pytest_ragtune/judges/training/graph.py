"""The network as an ONNX graph with plain names, so that training can begin again from a shipped model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_ragtune import extras

from .network import MAX_TOKENS

OPSET, IR = 20, 10
"""The oldest with ``Gelu``, and the format version that goes with it."""
_RUNTIME = "com.microsoft"
"""The operators of onnxruntime's own: attention as one, which is no slower than the standard's parts."""
_WORDS = "encoder.embeddings.word_embeddings.weight"
_POSITIONS = "embeddings.position_embeddings.weight"
PLACES = f"encoder.{_POSITIONS}"
_HALVED = ("dense.weight", f"reader.{_POSITIONS}")
MIDDLE = 8
"""What is added to a step of four bits, so that it is not negative."""
READER = "reader."
"""Before the names of the sentence reader's weights."""


class Graph:
    """Nodes and initializers of a graph in the making.

    What is run together has one length: there is no mask, as the judge pads nothing.

    Args:
        weights: arrays by their name in the network, those of a sentence reader behind ``reader.``.
        heads: attention heads of a layer.
        halved: whether the largest of what is not rounded is stored in 16 bits.
    """

    def __init__(self, weights: Mapping[str, Any], heads: int, *, halved: bool = False) -> None:
        self._onnx = extras.load("onnx", extra="train")
        self._numpy = extras.load("numpy")
        self._weights = weights
        self._heads = heads
        self._halved = halved
        self._has_reader = any(name.startswith(READER) for name in weights)
        self._nodes: list[Any] = []
        self._initializers: dict[str, Any] = {}

    def model(self) -> Any:
        """The whole model: two logits of pairs, and the vectors of single texts, from token numbers."""
        self._logits(self._encoded("encoder.", "input_ids", "token_type_ids"))
        if self._has_reader:
            self._vector(self._encoded(READER, "text_ids", ""))
        return self._finished()

    def _encoded(self, prefix: str, ids: str, kinds: str) -> str:
        """The last layer of an encoder."""
        start = f"{prefix}encoder.layer."
        place = start.count(".")
        layers = 1 + max(int(n.split(".")[place]) for n in self._weights if n.startswith(start))
        hidden = self._embedded(prefix, ids, kinds)
        for number in range(layers):
            hidden = self._layer(hidden, f"{start}{number}")
        return hidden

    def _finished(self) -> Any:
        helper, types = self._onnx.helper, self._onnx.TensorProto
        given = helper.make_tensor_value_info
        inputs = [given(name, types.INT64, ["n", "t"]) for name in ("input_ids", "token_type_ids")]
        outputs = [given("logits", types.FLOAT, ["n", 2])]
        if self._has_reader:
            inputs.append(given("text_ids", types.INT64, ["m", "u"]))
            width = self._weights[_WORDS].shape[1]
            outputs.append(given("vector", types.FLOAT, ["m", width]))
        graph = helper.make_graph(self._nodes, "judge", inputs, outputs, list(self._initializers.values()))
        operators = [helper.make_opsetid("", OPSET), helper.make_opsetid(_RUNTIME, 1)]
        model = helper.make_model(graph, opset_imports=operators, ir_version=IR)
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
        if name.endswith(_POSITIONS):
            value = value[:MAX_TOKENS]
        if self._halved and name in _HALVED:
            half = self._given(name, (value.T if turned else value).astype("float16"))
            return self._op("Cast", half, to=self._onnx.TensorProto.FLOAT)
        return self._given(name, value.T if turned else value)

    def _integers(self, *values: int) -> str:
        array = self._numpy.array(values, dtype="int64")
        return self._given(f"integers_{'_'.join(map(str, values))}".replace("-", "m"), array)

    def _number(self, value: float) -> str:
        return self._given(f"number_{value:g}".replace("-", "m"), self._numpy.float32(value))

    def _linear(self, given: str, name: str) -> str:
        if f"{name}.step" in self._weights:
            product = self._stepped(given, name)
        else:
            product = self._op("MatMul", given, self._weight(f"{name}.weight", turned=True))
        return self._op("Add", product, self._weight(f"{name}.bias"))

    def _stepped(self, given: str, name: str) -> str:
        """The product with a matrix of four bits, in whole numbers.

        onnxruntime unpacks the matrix once, when it loads the model.
        """
        packed = self._given(f"{name}.weight", _packed(self._weights[f"{name}.weight"].T))
        low = self._op("BitwiseAnd", packed, self._given("byte_15", self._numpy.uint8(15)))
        four = self._given("byte_4", self._numpy.uint8(4))
        high = self._op("BitShift", packed, four, direction="RIGHT")
        types = self._onnx.TensorProto
        matrix = self._op("Cast", self._op("Concat", low, high, axis=0), to=types.INT8)
        middle = self._given("byte_middle", self._numpy.int8(MIDDLE))
        rounded, scale, zero = (f"{kind}_{len(self._nodes)}" for kind in ("rounded", "scale", "zero"))
        self._nodes.append(
            self._onnx.helper.make_node(
                "DynamicQuantizeLinear", [given], [rounded, scale, zero], name=f"node_{rounded}"
            )
        )
        whole = self._op("MatMulInteger", rounded, matrix, zero, middle)
        counted = self._op("Cast", whole, to=types.FLOAT)
        return self._op("Mul", counted, self._op("Mul", scale, self._weight(f"{name}.step")))

    def _norm(self, given: str, name: str) -> str:
        scale, bias = self._weight(f"{name}.weight"), self._weight(f"{name}.bias")
        return self._op("LayerNormalization", given, scale, bias, epsilon=1e-12, axis=-1)

    def _embedded(self, before: str, given: str, given_kinds: str) -> str:
        """The first layer's input; all encoders share the words. Without kinds, all are the first."""
        prefix = f"{before}embeddings"
        ids = self._op("Gather", self._weight(_WORDS), given)
        kinds = self._op(
            "Gather",
            self._weight(f"{prefix}.token_type_embeddings.weight"),
            given_kinds or self._op("Sub", given, given),
        )
        shape = self._op("Shape", given)
        length = self._op("Squeeze", self._op("Gather", shape, self._integers(1)))
        zero, one = (self._given(f"scalar_{n}", self._numpy.int64(n)) for n in (0, 1))
        places = self._op("Range", zero, length, one)
        place = self._op("Gather", self._weight(f"{prefix}.position_embeddings.weight"), places)
        total = self._op("Add", self._op("Add", ids, kinds), place)
        return self._norm(total, f"{prefix}.LayerNorm")

    def _layer(self, hidden: str, name: str) -> str:
        parts = [self._linear(hidden, f"{name}.attention.self.{part}") for part in ("query", "key", "value")]
        joined = self._op("MultiHeadAttention", *parts, num_heads=self._heads, domain=_RUNTIME)
        attended = self._op("Add", self._linear(joined, f"{name}.attention.output.dense"), hidden)
        middle = self._norm(attended, f"{name}.attention.output.LayerNorm")
        wide = self._op("Gelu", self._linear(middle, f"{name}.intermediate.dense"))
        out = self._op("Add", self._linear(wide, f"{name}.output.dense"), middle)
        return self._norm(out, f"{name}.output.LayerNorm")

    def _logits(self, hidden: str) -> None:
        first = self._op("Squeeze", self._op("Gather", hidden, self._integers(0), axis=1), self._integers(1))
        mean = self._op("ReduceMean", hidden, self._integers(1), keepdims=0)
        joined = self._op("Concat", first, mean, self._alike(hidden), axis=1)
        pooled = self._op("Tanh", self._linear(joined, "dense"))
        four = self._linear(pooled, "out")
        others = self._op("Slice", four, self._integers(1), self._integers(3), self._integers(1))
        unsupported = self._op("ReduceLogSumExp", others, self._integers(1), keepdims=1)
        yes = self._op("Slice", four, self._integers(0), self._integers(1), self._integers(1))
        answers = self._op("Slice", four, self._integers(3), self._integers(4), self._integers(1))
        self._op("Concat", self._op("Sub", yes, unsupported), answers, axis=1, name="logits")

    def _vector(self, hidden: str) -> None:
        summed = self._op("ReduceSum", hidden, self._integers(1), keepdims=0)
        self._op("LpNormalization", summed, axis=1, p=2, name="vector")

    def _alike(self, hidden: str) -> str:
        """The product of the directions of the two texts' means, dimension by dimension."""
        second = self._op("Cast", "token_type_ids", to=self._onnx.TensorProto.FLOAT)
        first = self._op("Sub", self._number(1.0), second)
        directions = [self._direction(hidden, part) for part in (first, second)]
        width = self._weights["dense.weight"].shape[0]
        return self._op("Mul", self._op("Mul", *directions), self._number(float(width)))

    def _direction(self, hidden: str, part: str) -> str:
        """The unit vector of the sum over the tokens that are 1 in ``part``."""
        column = self._op("Unsqueeze", part, self._integers(2))
        summed = self._op("ReduceSum", self._op("Mul", hidden, column), self._integers(1), keepdims=0)
        return self._op("LpNormalization", summed, axis=1, p=2)


def _packed(steps: Any) -> Any:
    """Steps of four bits, array ``(n_in, n_out)``, two to a byte: the second half of the rows is above."""
    raised = (steps + MIDDLE).astype("uint8")
    half = len(steps) // 2
    return raised[half:] << 4 | raised[:half]
