"""The two halves of a model's file, of which a run needs one: the pair of texts, or the text alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from pytest_ragtune import extras

_LEAST_TOKENS = {"logits": ("input_ids", 2), "vector": ("text_ids", 1)}
"""The input that an output is made of, and how many tokens of it are as good as none."""


def make_lazy(path: Path) -> None:
    """Let each half run only where its input holds more tokens than stand for none; it else gives zeros.

    A graph runs as a whole, whichever output is asked for: read through, the other half's weights would cost
    a short pair half of its time.
    """
    onnx = extras.load("onnx", extra="train")
    model = onnx.load(path)
    graph = model.graph
    needed = {name: _ancestors(graph.node, name) for name in _LEAST_TOKENS}
    shared = set.intersection(*needed.values())
    conditions = []
    for output, (given, least) in _LEAST_TOKENS.items():
        nodes = [node for node in graph.node if node.name in needed[output] - shared]
        width = next(o.type.tensor_type.shape.dim[1].dim_value for o in graph.output if o.name == output)
        conditions += _condition(onnx, given, least)
        conditions.append(_choice(onnx, f"has_{given}", output, nodes, width))
    both = [node for node in graph.node if node.name in shared]
    del graph.node[:]
    graph.node.extend([*both, *conditions])
    onnx.checker.check_model(model)
    onnx.save(model, path)


def _ancestors(nodes: Sequence[Any], output: str) -> set[str]:
    """The names of the nodes that an output is made of."""
    wanted, found = {output}, set()
    for node in reversed(nodes):
        if wanted & set(node.output):
            found.add(node.name)
            wanted |= set(node.input)
    return found


def _condition(onnx: Any, given: str, least: int) -> list[Any]:
    """Nodes for ``has_<given>``: whether an input has more than so many tokens."""
    make = onnx.helper.make_node
    limit = onnx.helper.make_tensor(f"{given}_least", onnx.TensorProto.INT64, [], [least])
    return [
        make("Constant", [], [f"{given}_least"], name=f"node_{given}_least", value=limit),
        make("Shape", [given], [f"{given}_size"], name=f"node_{given}_size", start=1),
        make("Squeeze", [f"{given}_size"], [f"{given}_count"], name=f"node_{given}_count"),
        make("Greater", [f"{given}_count", f"{given}_least"], [f"has_{given}"], name=f"node_has_{given}"),
    ]


def _choice(onnx: Any, condition: str, output: str, nodes: Iterable[Any], width: int) -> Any:
    """One node for ``output``: what ``nodes`` make of it where the condition holds, else a row of zeros."""
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    found, zeros = f"{output}_found", f"{output}_zeros"
    moved = list(nodes)
    for node in moved:
        node.output[:] = [found if name == output else name for name in node.output]
    row = helper.make_tensor(zeros, kind, [1, width], [0.0] * width)
    constant = helper.make_node("Constant", [], [zeros], name=f"node_{zeros}", value=row)
    return helper.make_node(
        "If", [condition], [output], name=f"node_{output}_choice",
        then_branch=helper.make_graph(moved, found, [], [helper.make_tensor_value_info(found, kind, None)]),
        else_branch=helper.make_graph(
            [constant], zeros, [], [helper.make_tensor_value_info(zeros, kind, [1, width])]
        ),
    )  # fmt: skip
