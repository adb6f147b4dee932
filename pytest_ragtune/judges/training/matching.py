"""A graph that needs no training: the sentence encoder reads both texts apart and compares their tokens.

*Supports* is how well each token of the claim is met by its nearest token of the context, in meaning (the
recall of BERTScore, Zhang et al. 2020, with a soft minimum in place of the mean); *answers* is the cosine of
both texts' mean vectors.
"""

from __future__ import annotations

from typing import Any

from .graph import Graph

SHARPNESS = 8.0
"""Of the soft minimum: how much the worst met tokens count."""
_SCALE, _MIDDLE = 16.0, 0.4
"""From a similarity to something like log-odds; the combiner finds the rest."""
_CLS, _SEP = 101, 102
_NEVER = -10.0


class MatchingGraph(Graph):
    """Like :class:`Graph`, with attention inside each text only and a comparison in place of the heads."""

    def _embedded(self) -> str:
        prefix = "encoder.embeddings"
        ids = self._op("Gather", self._weight(f"{prefix}.word_embeddings.weight"), "input_ids")
        kind = self._weight(f"{prefix}.token_type_embeddings.weight")
        first = self._op("Gather", kind, self._given("scalar_0", self._numpy.int64(0)))
        place = self._op("Gather", self._weight(f"{prefix}.position_embeddings.weight"), self._places())
        total = self._op("Add", self._op("Add", ids, first), place)
        return self._norm(total, f"{prefix}.LayerNorm")

    def _places(self) -> str:
        """Positions that begin again with the second text, at 1 as after its missing first token."""
        zero, one = (self._given(f"scalar_{n}", self._numpy.int64(n)) for n in (0, 1))
        shape = self._op("Shape", "input_ids")
        length = self._op("Squeeze", self._op("Gather", shape, self._integers(1)))
        every = self._op("Unsqueeze", self._op("Range", zero, length, one), self._integers(0))
        in_first = self._op("Mul", "attention_mask", self._op("Sub", one, "token_type_ids"))
        count = self._op("ReduceSum", in_first, self._integers(1), keepdims=1)
        shift = self._op("Mul", "token_type_ids", self._op("Sub", count, one))
        return self._op("Max", self._op("Sub", every, shift), zero)

    def _attention_bias(self, mask: str) -> str:
        rows = self._op("Unsqueeze", "token_type_ids", self._integers(2))
        columns = self._op("Unsqueeze", "token_type_ids", self._integers(1))
        same = self._op("Cast", self._op("Equal", rows, columns), to=self._onnx.TensorProto.FLOAT)
        seen = self._op("Mul", same, self._op("Unsqueeze", mask, self._integers(1)))
        hidden = self._op("Mul", self._op("Sub", self._number(1.0), seen), self._number(-10000.0))
        return self._op("Unsqueeze", hidden, self._integers(1))

    def _logits(self, hidden: str, mask: str) -> None:
        kinds = self._op("Cast", "token_type_ids", to=self._onnx.TensorProto.FLOAT)
        word = self._op("Mul", mask, self._is_word())
        first = self._op("Mul", word, self._op("Sub", self._number(1.0), kinds))
        second = self._op("Mul", word, kinds)
        unit = self._op("LpNormalization", hidden, axis=-1, p=2)
        turned = self._op("Transpose", unit, perm=[0, 2, 1])
        alike = self._op("MatMul", unit, turned)
        closed = self._op("Mul", self._op("Sub", self._number(1.0), first), self._number(_NEVER))
        open_only = self._op("Add", alike, self._op("Unsqueeze", closed, self._integers(1)))
        best = self._op("ReduceMax", open_only, self._integers(2), keepdims=0)
        supports = self._soft_minimum(best, second)
        answers = self._cosine(hidden, first, second)
        self._op("Concat", self._raised(supports), self._raised(answers), axis=1, name="logits")

    def _is_word(self) -> str:
        """1 where a token is neither the first of a pair nor a separator."""
        special = [
            self._op("Equal", "input_ids", self._given(f"scalar_{n}", self._numpy.int64(n)))
            for n in (_CLS, _SEP)
        ]
        either = self._op("Or", *special)
        return self._op("Cast", self._op("Not", either), to=self._onnx.TensorProto.FLOAT)

    def _soft_minimum(self, values: str, weights: str) -> str:
        raised = self._op("Exp", self._op("Mul", values, self._number(-SHARPNESS)))
        total = self._op("ReduceSum", self._op("Mul", raised, weights), self._integers(1), keepdims=1)
        mean = self._op("Div", total, self._count(weights))
        return self._op("Div", self._op("Log", mean), self._number(-SHARPNESS))

    def _count(self, weights: str) -> str:
        count = self._op("ReduceSum", weights, self._integers(1), keepdims=1)
        return self._op("Max", count, self._number(1.0))

    def _cosine(self, hidden: str, first: str, second: str) -> str:
        means = []
        for weights in (first, second):
            column = self._op("Unsqueeze", weights, self._integers(2))
            summed = self._op("ReduceSum", self._op("Mul", hidden, column), self._integers(1), keepdims=0)
            means.append(self._op("LpNormalization", summed, axis=-1, p=2))
        return self._op("ReduceSum", self._op("Mul", *means), self._integers(1), keepdims=1)

    def _raised(self, similarity: str) -> str:
        return self._op("Mul", self._op("Sub", similarity, self._number(_MIDDLE)), self._number(_SCALE))


def matching_model(weights: Any, heads: int) -> Any:
    """The model over the sentence encoder's weights, by their names in the network."""
    return MatchingGraph(weights, heads).model()
