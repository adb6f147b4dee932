"""The network's file: written in few bits, and read again, for training to go on from a shipped model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytest_ragtune import extras

from .graph import MIDDLE, PLACES, READER, Graph
from .halves import make_lazy


def export(
    network: Any, path: Path, *, reader: Mapping[str, Any] | None = None, quantised: bool = True
) -> None:
    """Write ``network`` to ``path``: its matrices and word embeddings in 8 bits, its heads unrounded.

    Args:
        network: the cross-encoder.
        path: file to write.
        reader: weights of a sentence reader that goes with it, its matrices in 4 bits.
        quantised: False leaves the network in 32 bits.
    """
    weights = {name: value.detach().numpy() for name, value in network.state_dict().items()}
    weights |= {f"{READER}{name}": value for name, value in (reader or {}).items()}
    model = Graph(weights, network.encoder.config.num_attention_heads, halved=quantised).model()
    write_model(model, path, quantised=quantised)
    if reader:
        make_lazy(path)


def write_model(model: Any, path: Path, *, quantised: bool = True) -> None:
    """Write an ONNX model, in 8 bits but for its heads and for products of two activations.

    The quantiser does not know the types behind onnxruntime's own operators, so it is told: 32 bits.
    """
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
            extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT},
        )  # fmt: skip
    finally:
        unquantised.unlink()


def _may_shrink(node: Any, given: set[str], kept: tuple[str, ...]) -> bool:
    """Whether a node's weights are large enough to be worth rounding."""
    weights = [name for name in node.input if name in given and name.endswith(".weight")]
    return bool(weights) and not any(w.endswith(kept[2:]) or w in kept[:2] for w in weights)


def reader_weights(path: Path) -> dict[str, Any]:
    """The weights of the sentence reader of an exported model, empty where it has none."""
    arrays = _arrays(path)
    found = {}
    for name, array in arrays.items():
        if name.startswith(READER):
            plain = _unpacked(array) if array.dtype == "uint8" else array.astype("float32")
            found[name.removeprefix(READER)] = plain
    return found


def _arrays(path: Path) -> dict[str, Any]:
    onnx = extras.load("onnx", extra="train")
    return {i.name: onnx.numpy_helper.to_array(i) for i in onnx.load(path).graph.initializer}


def _unpacked(packed: Any) -> Any:
    """The steps, array ``(n_out, n_in)`` as the reader has them."""
    numpy = extras.load("numpy")
    both = numpy.concatenate([packed & 15, packed >> 4]).astype("int8")
    return (both - MIDDLE).T.copy()


def load_weights(network: Any, *paths: Path) -> None:
    """Put the weights of an exported model into ``network``, those in 8 bits at their rounded values.

    Of several models it takes the mean of their weights: networks that were trained one from the other and
    averaged judge as an ensemble of them does, at the cost of one (Wortsman et al. 2022, Model soups).
    """
    torch = extras.load("torch", extra="train")
    expected = {name: value.numpy() for name, value in network.state_dict().items()}
    models = [_weights(path, expected) for path in paths]
    mean = {name: sum(weights[name] for weights in models) / len(models) for name in expected}
    network.load_state_dict({name: torch.tensor(mean[name], dtype=torch.float32) for name in mean})


def _weights(path: Path, expected: Mapping[str, Any]) -> dict[str, Any]:
    """The weights of an exported model by their names and in the shapes of ``expected``."""
    arrays = _arrays(path)
    found = {}
    for name, value in expected.items():
        array = _plain(arrays, name)
        turned = array.T if value.ndim == 2 and "embeddings" not in name else array
        if name == PLACES and turned.shape[1:] == value.shape[1:]:
            array = value.copy()
            array[: len(turned)] = turned
            turned = array
        if tuple(turned.shape) != tuple(value.shape):
            raise ValueError(
                f"{path}: {name} has shape {turned.shape}: expected {tuple(value.shape)}, as the base has"
            )
        found[name] = turned
    return found


def _plain(arrays: Mapping[str, Any], name: str) -> Any:
    if name in arrays:
        return arrays[name].astype("float32")
    if f"{name}_quantized" not in arrays:
        raise ValueError(f"the model holds no weights named {name!r}: expected a model that ragtune trained")
    scale, zero = arrays[f"{name}_scale"], arrays[f"{name}_zero_point"]
    return (arrays[f"{name}_quantized"].astype("float32") - zero.astype("float32")) * scale
