"""Judgements by a small local model: how many can be read, with and without constrained decoding.

Run: ``python -m tests.benchmarks.bench_constrained [JUDGEMENTS]`` (500 unless given; needs the extras
``constrained`` and ``embedded`` models). SmolLM2-135M-Instruct judges whether a passage of the handbook
supports a sentence, which is its own in every other question and another passage's in the rest. The same
prompts are asked with the grammar and without. It exits with 1 when a constrained judgement cannot be read.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from pytest_ragtune.generation.causal import CausalGenerator
from pytest_ragtune.golden import load_golden_set
from pytest_ragtune.judges.prompted import PromptedJudge
from pytest_ragtune.records import Generation, Prompt, Support
from pytest_ragtune.text import sentences

GOLDEN_SET = Path(__file__).parents[2] / "golden_sets" / "handbook"
TOKENS = 24  # the longest verdict takes 16
LONGEST = 300  # characters of a passage


class Unconstrained:
    """The same generator, without a way to hand it a schema."""

    def __init__(self, generator: CausalGenerator) -> None:
        self.inner = generator

    @property
    def identity(self) -> str:
        """That of the generator."""
        return self.inner.identity

    def generate(self, prompts: Sequence[Prompt]) -> list[Generation]:
        """What the generator writes of its own accord."""
        return self.inner.generate(prompts)


def pairs(n: int) -> list[tuple[str, str]]:
    """(passage, sentence) pairs: a sentence under its own passage, then under one from far away."""
    texts = [passage.text[:LONGEST] for passage in load_golden_set(GOLDEN_SET).corpus.passages]
    stated = [(number, sentence) for number, text in enumerate(texts) for sentence in sentences(text)]
    found = []
    for number, sentence in stated:
        found += [(texts[number], sentence), (texts[(number + len(texts) // 2) % len(texts)], sentence)]
    distinct = list(dict.fromkeys(found))
    if len(distinct) < n:
        raise SystemExit(f"there are {len(distinct)} different pairs: expected a number up to that")
    return distinct[:n]


def show(name: str, opinions: Sequence[Support], seconds: float) -> int:
    """One row; gives how many judgements could not be read."""
    failed = [opinion for opinion in opinions if opinion.probability is None]
    verdicts = Counter(opinion.reason for opinion in opinions if opinion.probability is not None)
    kinds = Counter("no JSON" if "no JSON" in o.reason else "JSON of another shape" for o in failed)
    print(
        f"{name:<16} judgements {len(opinions)}  unparsable {len(failed)}  {seconds:.0f} s  "
        f"{dict(verdicts)}  {dict(kinds)}"
    )
    for opinion in failed[:3]:
        print(f"  {opinion.reason}")
    return len(failed)


def main(n: int = 500) -> int:
    """Judge all pairs both ways."""
    asked = pairs(n)
    generator = CausalGenerator(max_new_tokens=TOKENS)
    generator.generate([Prompt("Hello")])  # loading is no part of the time
    unreadable = {}
    for name, judge in (
        ("constrained", PromptedJudge(generator)),
        ("unconstrained", PromptedJudge(Unconstrained(generator))),
    ):
        begun = time.perf_counter()
        opinions = judge.support(asked)
        unreadable[name] = show(name, opinions, time.perf_counter() - begun)
    return int(unreadable["constrained"] > 0)


if __name__ == "__main__":
    raise SystemExit(main(*map(int, sys.argv[1:])))
