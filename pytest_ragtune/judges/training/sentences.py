"""The sentence reader: the sentence encoder itself in four bits, to read one text alone.

The cross-encoder reads two texts together and forgets, as it learns to tell what supports and what answers,
what its base knew best: what a text is about. The base keeps that. It goes along over the same word
embeddings, its matrices rounded to 16 steps for each output, and learns from its own vectors to do with
that little (Esser et al. 2020, *Learned step size quantization*), without labels.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_ragtune import extras
from pytest_ragtune.judges.encoder import TEXT_TOKENS
from pytest_ragtune.processor import has_fast_bfloat16

from .network import batches, collate, learn, load_encoder, load_tokenizer, steps_of

LOWEST, HIGHEST = -8, 7
"""What four bits hold."""
_MOST_CHARACTERS = 900
"""Longer texts are not learned from: they would lose their end."""
_TOLD_EVERY = 2000
_ALIKE = 5.0
"""How much the cosines between the texts of a batch count beside the direction of each text."""
_TRIED = (1.0, 0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.65)
"""Shares of a matrix row's largest weight that the highest step may stand for."""


@dataclass(frozen=True, slots=True)
class ReaderRecipe:
    """How a sentence reader is taught."""

    texts: int = 62_000
    """Most texts to learn from."""
    epochs: float = 1.0
    """Passes over them."""
    rate: float = 1e-4
    """Highest learning rate; the second half of all steps falls to zero."""
    tokens: int = 4096
    """Tokens a step, padding included."""
    seed: int = 1
    """Which texts, and in which order."""


def build_reader(folder: Path) -> Any:
    """The encoder in ``folder`` with its matrices in four bits, from token numbers to unit vectors."""
    torch = extras.load("torch", extra="train")
    parametrize = extras.load("torch.nn.utils.parametrize", extra="train")
    encoder = load_encoder(folder)
    encoder.embeddings.word_embeddings.weight.requires_grad_(False)
    rounded = _rounded_class(torch)
    for module in list(encoder.encoder.modules()):
        if isinstance(module, torch.nn.Linear):
            parametrize.register_parametrization(module, "weight", rounded(module.weight.detach()))
    return encoder


def _rounded_class(torch: Any) -> Any:
    class Rounded(torch.nn.Module):  # type: ignore[misc]
        """A matrix whose rows are whole steps of a size that is learned; gradients pass the rounding."""

        def __init__(self, weight: Any) -> None:
            super().__init__()
            self.step = torch.nn.Parameter(_best_steps(torch, weight))

        def forward(self, weight: Any) -> Any:
            counted = (weight / self.step).clamp(LOWEST, HIGHEST)
            return (counted + (counted.round() - counted).detach()) * self.step

        def whole(self, weight: Any) -> Any:
            """The steps themselves, as int8."""
            return (weight / self.step).clamp(LOWEST, HIGHEST).round().to(torch.int8)

    return Rounded


def _best_steps(torch: Any, weight: Any) -> Any:
    """The size of a row's steps with the least squared error, array ``(n_rows, 1)``."""
    best = least = None
    for share in _TRIED:
        step = (weight.abs().amax(1, keepdim=True) * share / HIGHEST).clamp(min=1e-9)
        error = (((weight / step).round().clamp(LOWEST, HIGHEST) * step - weight) ** 2).sum(1, keepdim=True)
        better = error < least if least is not None else torch.ones_like(error, dtype=torch.bool)
        best = step if best is None else torch.where(better, step, best)
        least = error if least is None else torch.minimum(error, least)
    return best


def vectors(reader: Any, input_ids: Any, attention_mask: Any) -> Any:
    """Unit vectors, array ``(n_texts, dim)``, float32: the direction of the mean of all tokens."""
    torch = extras.load("torch", extra="train")
    hidden = reader(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state.float()
    return torch.nn.functional.normalize((hidden * attention_mask.unsqueeze(-1)).sum(1), dim=1)


def reader_state(reader: Any) -> dict[str, Any]:
    """A reader's arrays by name: of each matrix the steps as int8 and their sizes, all else in 32 bits.

    The word embeddings are not among them, they are the network's, nor places that no text of it reaches.
    """
    found = {
        name: value.detach().numpy()
        for name, value in reader.state_dict().items()
        if ".parametrizations." not in name and name != "embeddings.word_embeddings.weight"
    }
    places = "embeddings.position_embeddings.weight"
    found[places] = found[places][:TEXT_TOKENS]
    for name, module in reader.named_modules():
        if hasattr(module, "parametrizations"):
            kept = module.parametrizations.weight
            found[f"{name}.weight"] = kept[0].whole(kept.original).numpy()
            found[f"{name}.step"] = kept[0].step.detach().numpy()[:, 0]
    return found


def teach(
    reader: Any,
    folder: Path,
    texts: Sequence[str],
    recipe: ReaderRecipe,
    *,
    tell: Callable[[str], None] = lambda line: None,
) -> None:
    """Teach ``reader``, in place, the vectors that the encoder in ``folder`` gives to ``texts``."""
    torch = extras.load("torch", extra="train")
    torch.manual_seed(recipe.seed)
    precision = torch.autocast("cpu", dtype=torch.bfloat16, enabled=has_fast_bfloat16())
    chosen = chosen_texts(texts, recipe)
    ids = [item.ids[:TEXT_TOKENS] for item in load_tokenizer(folder).encode_batch(chosen)]
    tell(f"{len(chosen)} texts to learn the vectors of")
    wanted = _wanted(torch, load_encoder(folder).eval(), ids, recipe.tokens, precision, tell)
    steps = steps_of([len(found) for found in ids], recipe.tokens, recipe.epochs, recipe.seed)
    parameters = [p for p in reader.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=recipe.rate, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min(1.0, (step + 1) / 50, 2 * (len(steps) - step) / len(steps))
    )
    reader.train()
    running: float | None = None
    for number, batch in enumerate(steps, start=1):
        with precision:
            found = vectors(reader, *_padded(torch, [ids[i] for i in batch]))
        loss = _loss(found, wanted[batch])
        learn(torch, loss, optimizer, schedule)
        running = loss.item() if running is None else 0.98 * running + 0.02 * loss.item()
        if number % 50 == 0 or number == len(steps):
            tell(f"step {number} of {len(steps)}: loss {running:.4f}")
    reader.eval()


def chosen_texts(texts: Sequence[str], recipe: ReaderRecipe) -> list[str]:
    """The texts to learn from: distinct ones that are short enough, drawn with the recipe's seed."""
    short = [text for text in dict.fromkeys(texts) if text.strip() and len(text) < _MOST_CHARACTERS]
    random.Random(recipe.seed).shuffle(short)
    return short[: recipe.texts]


def _wanted(
    torch: Any,
    teacher: Any,
    ids: Sequence[list[int]],
    tokens: int,
    precision: Any,
    tell: Callable[[str], None],
) -> Any:
    """The teacher's unit vector of each text, array ``(n_texts, dim)``."""
    found = torch.zeros(len(ids), teacher.config.hidden_size)
    done = told = 0
    with torch.no_grad(), precision:
        for batch in batches([len(one) for one in ids], tokens, random.Random(0)):
            found[batch] = vectors(teacher, *_padded(torch, [ids[i] for i in batch]))
            done += len(batch)
            if done // _TOLD_EVERY > told:
                told = done // _TOLD_EVERY
                tell(f"{done} of {len(ids)} texts read by the encoder that teaches")
    return found


def _padded(torch: Any, items: Sequence[list[int]]) -> tuple[Any, Any]:
    found = collate(torch, [(one, [0] * len(one)) for one in items])
    return found["input_ids"], found["attention_mask"]


def _loss(found: Any, wanted: Any) -> Any:
    """How far each direction is off, and how far the cosines between the texts are."""
    off = (1 - (found * wanted).sum(1)).mean()
    return off + _ALIKE * ((found @ found.T - wanted @ wanted.T) ** 2).mean()
