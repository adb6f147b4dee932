"""Faults of a part: the adapter that is not there, the judge that says yes or says nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from pytest_ragtune.pipeline import Pipeline
from pytest_ragtune.records import Generation, Prompt, Support

from .base import Fault

Pair = tuple[str, str]


class DetachAdapter(Fault):
    """The service came up with the base weights.

    Applies to a :class:`Pipeline` whose generator has a method ``without_adapter()``.
    """

    name = "detach_adapter"
    plants = "the generator answers without its LoRA adapter"
    needs = "a pipeline whose generator has an adapter"
    place = "generator"

    def __init__(self) -> None:
        self._bare: list[tuple[Any, Any]] = []

    def pipeline(self, pipeline: Any) -> Any | None:
        """The same pipeline over the base weights; the base is loaded once."""
        generator: Any = getattr(pipeline, "generator", None)
        if not isinstance(pipeline, Pipeline) or not hasattr(generator, "without_adapter"):
            return None
        bare = next((base for known, base in self._bare if known is generator), None)
        if bare is None:
            bare = generator.without_adapter()
            self._bare.append((generator, bare))
        return Pipeline(pipeline.name, pipeline.context_source, bare, pipeline.prompt)


class JudgeAlwaysYes(Fault):
    """A judge that agrees with everything."""

    name = "judge_yes"
    plants = "the judge says yes to everything"
    needs = "a judge"
    place = "judge"

    def judge(self, judge: Any) -> Any | None:
        """A judge of that name that says yes."""
        if not hasattr(judge, "support"):
            return None
        return _Faulty(judge, lambda pairs: [Support(1.0, "yes") for _ in pairs])


class JudgeUnreachable(Fault):
    """A judge that cannot be reached."""

    name = "judge_down"
    plants = "the judge cannot be reached"
    needs = "a judge"
    place = "judge"

    def judge(self, judge: Any) -> Any | None:
        """A judge of that name, or a generator that judges, which fails."""
        if hasattr(judge, "support"):
            return _Faulty(judge, _unreachable)
        return _Silent(judge) if hasattr(judge, "generate") else None


def _unreachable(pairs: Sequence[Pair]) -> list[Support]:
    raise ConnectionError("the judge cannot be reached (a planted fault)")


class _Faulty:
    """Stands in for a judge under its own identity, so that baselines still compare; never recorded."""

    def __init__(self, inner: Any, opinions: Callable[[Sequence[Pair]], list[Support]]) -> None:
        self.identity: str = inner.identity
        self._inner, self._opinions = inner, opinions
        self.on_call: Callable[[], None] = lambda: None

    def __getattr__(self, name: str) -> Any:
        if name == "relevance" and hasattr(self._inner, name):
            return self._say
        raise AttributeError(f"the judge of a planted fault has no {name!r}")

    def support(self, pairs: Sequence[Pair]) -> list[Support]:
        """One opinion a pair, whatever it says."""
        return self._say(pairs)

    def _say(self, pairs: Sequence[Pair]) -> list[Support]:
        if pairs:
            self.on_call()
        return self._opinions(pairs)


class _Silent:
    """Stands in for a generator that a back end judges with."""

    def __init__(self, inner: Any) -> None:
        self.identity: str = inner.identity
        self.on_call: Callable[[], None] = lambda: None

    def with_schema(self, *args: Any, **options: Any) -> _Silent:
        """The same: it answers nothing under any schema."""
        return self

    def generate(self, prompts: Sequence[Prompt]) -> list[Generation]:
        """An error a prompt."""
        self.on_call()
        return [Generation(None, error="the judge cannot be reached (a planted fault)") for _ in prompts]
