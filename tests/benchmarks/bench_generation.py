"""How many answers depend on what shared their batch, and what independence costs.

Run: ``python tests/benchmarks/bench_generation.py [PROMPTS [TOKENS [WAYS]]]`` (60 prompts, 24 tokens
and all four ways unless given; WAYS is a comma-separated choice). Prompts are questions of the
handbook golden set over none to five of its passages. All are answered in one run; then shuffled;
then every third of them; then every tenth alone. An answer that differs from the first run's is
counted. It exits with 1 when one of ours in float32 does.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pytest_ragtune.generation.causal import CausalGenerator
from pytest_ragtune.golden import load_golden_set
from pytest_ragtune.records import Prompt

Answer = Callable[[Sequence[Prompt]], list[str | None]]
GOLDEN_SET = Path(__file__).parents[2] / "golden_sets" / "handbook"
TABLE, BATCH = 32, 16
RUNS = ("shuffled", "subset", "single")


def prompts(n: int) -> list[Prompt]:
    """Questions over passages drawn with a fixed seed, so that lengths vary from 40 to about 700 tokens."""
    golden_set = load_golden_set(GOLDEN_SET)
    chance = random.Random(0)
    made = []
    for number, case in enumerate(golden_set.cases[:n]):
        passages = chance.sample(golden_set.corpus.passages, number % 6)
        context = "".join(f"{passage.text}\n\n" for passage in passages)
        made.append(Prompt(f"{context}Question: {case.question}", "Answer in one or two short sentences."))
    return made


def plain_generate(dtype: str, tokens: int) -> Answer:
    """What most code does: left padding, batches of 16, ``model.generate``."""
    import torch
    from transformers import AutoModelForCausalLM

    chat = CausalGenerator().chat
    folder = CausalGenerator().folder
    auto: Any = AutoModelForCausalLM
    model = auto.from_pretrained(folder, dtype=getattr(torch, dtype)).eval()
    tokenizer = chat.tokenizer
    tokenizer.padding_side = "left"

    def answer(asked: Sequence[Prompt]) -> list[str | None]:
        written: list[str | None] = []
        for start in range(0, len(asked), BATCH):
            texts = [chat.render(prompt) for prompt in asked[start : start + BATCH]]
            batch = tokenizer(texts, return_tensors="pt", padding=True, add_special_tokens=False)
            with torch.inference_mode():
                out = model.generate(**batch, max_new_tokens=tokens, do_sample=False)
            written += [chat.decode(row[batch["input_ids"].shape[1] :].tolist()) for row in out]
        return written

    return answer


def ours(dtype: str, tokens: int) -> Answer:
    """The generator of this package."""
    generator = CausalGenerator(max_new_tokens=tokens, dtype=dtype, batch_size=TABLE)
    _ = generator.decoder

    def answer(asked: Sequence[Prompt]) -> list[str | None]:
        return [generation.text for generation in generator.generate(asked)]

    return answer


WAYS: dict[str, Callable[[int], Answer]] = {
    "transformers-float32": lambda tokens: plain_generate("float32", tokens),
    "transformers-bfloat16": lambda tokens: plain_generate("bfloat16", tokens),
    "ours-float32": lambda tokens: ours("float32", tokens),
    "ours-bfloat16": lambda tokens: ours("bfloat16", tokens),
}


def changed(answer: Answer, asked: list[Prompt]) -> tuple[dict[str, tuple[int, int]], float]:
    """Per run how many answers differ from the full run, of how many; and seconds of the full run."""
    begun = time.perf_counter()
    full = answer(asked)
    seconds = time.perf_counter() - begun
    order = random.Random(1).sample(range(len(asked)), len(asked))
    third = list(range(0, len(asked), 3))
    alone = list(range(0, len(asked), 10))
    answers = {
        "shuffled": (order, answer([asked[i] for i in order])),
        "subset": (third, answer([asked[i] for i in third])),
        "single": (alone, [answer([asked[i]])[0] for i in alone]),
    }
    counts = {
        run: (sum(text != full[i] for i, text in zip(indices, texts, strict=True)), len(indices))
        for run, (indices, texts) in answers.items()
    }
    return counts, seconds


def main(arguments: Sequence[str]) -> int:
    """Print the table; 1 when an answer of ours in float32 depends on its batch."""
    given = [*arguments, *("60", "24", ",".join(WAYS))[len(arguments) :]]
    n, tokens, ways = int(given[0]), int(given[1]), given[2].split(",")
    asked = prompts(n)
    print(f"{n} prompts, {tokens} tokens each, answers changed against the full run")
    print(f"{'way':24}" + "".join(f"{run:>12}" for run in RUNS) + f"{'questions/s':>14}", flush=True)
    is_broken = False
    for way in ways:
        counts, seconds = changed(WAYS[way](tokens), asked)
        cells = "".join(f"{f'{counts[run][0]}/{counts[run][1]}':>12}" for run in RUNS)
        print(f"{way:24}{cells}{n / seconds:14.2f}", flush=True)
        is_broken |= way == "ours-float32" and any(count for count, _ in counts.values())
    return int(is_broken)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
