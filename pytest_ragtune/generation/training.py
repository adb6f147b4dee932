"""Training a LoRA adapter: what is learned is the answer, under the prompt that will be asked."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pytest_ragtune import extras
from pytest_ragtune.errors import AdapterError
from pytest_ragtune.records import Example, Prompt

from .chat import Chat
from .loading import load_weights, quiet
from .models import Progress, context_window

_WARM_UP = 0.06


@dataclass(frozen=True, slots=True)
class Recipe:
    """Parameters of a training."""

    rank: int = 16
    """Rank of the change to each weight."""
    alpha: int = 32
    """The change is scaled by ``alpha / rank``."""
    epochs: int = 2
    """Times that every example is seen."""
    learning_rate: float = 2e-3
    """Peak of the learning rate, after a warm-up; it then falls to zero along a cosine."""
    batch_size: int = 8
    """Examples a step."""
    seed: int = 0
    """Of the first weights and of the order of batches."""

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if name != "seed" and not value > 0:
                raise AdapterError(f"{name} is {value!r}; expected a number above 0: change it")


def fit(
    examples: Sequence[Example],
    model_folder: Path,
    out: Path,
    recipe: Recipe,
    system: str,
    progress: Progress | None,
) -> list[float]:
    """Train an adapter on all linear layers and save it into ``out``.

    The loss is the cross-entropy of the answer's tokens alone. Weights stay float32, the base is frozen
    (Hu et al. 2021). Every draw comes from ``recipe.seed``; no global random state is left changed.

    Returns:
        The loss of each step.

    Raises:
        AdapterError: an example is longer than the model's window, or the loss is not finite.
        MissingExtra: torch, transformers or peft is absent.
    """
    torch = extras.load("torch", extra="lora")
    peft = extras.load("peft", extra="lora")
    pairs = encode_examples(examples, Chat(model_folder), system, context_window(model_folder))
    base = load_weights(model_folder, dtype="float32", device="cpu", attention="sdpa")
    with quiet(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        config = peft.LoraConfig(
            r=recipe.rank,
            lora_alpha=recipe.alpha,
            lora_dropout=0.0,
            target_modules="all-linear",
            task_type="CAUSAL_LM",
        )
        model = peft.get_peft_model(base, config)
        losses = _steps(torch, model.train(), pairs, recipe, progress)
        model.peft_config["default"].base_model_name_or_path = model_folder.name
        model.save_pretrained(str(out), safe_serialization=True, save_embedding_layers=False)
    (out / "README.md").unlink(missing_ok=True)  # an empty model card
    _sort_modules(out / "adapter_config.json")
    return losses


def _sort_modules(config: Path) -> None:
    """Names of modules in order: peft writes a set, whose order differs from one process to the next."""
    found = json.loads(config.read_text(encoding="utf-8"))
    found["target_modules"] = sorted(found["target_modules"])
    config.write_text(json.dumps(found, indent=2, sort_keys=True) + "\n", encoding="utf-8")


Pair = tuple[tuple[int, ...], tuple[int, ...]]
"""Prompt and answer in tokens."""


def encode_examples(examples: Sequence[Example], chat: Chat, system: str, window: int) -> list[Pair]:
    """Each example in the very tokens that generation reads and writes.

    Raises:
        AdapterError: an example does not fit the window.
    """
    pairs = []
    for number, example in enumerate(examples, start=1):
        encoded = chat.encode(Prompt(user=example.question, system=system))
        answer = chat.encode_answer(example.answer)
        if encoded.length + len(answer) > window:
            raise AdapterError(
                f"training example {number} ({example.question[:60]!r}) has {encoded.length + len(answer)} "
                "tokens; "
                f"expected at most {window}, the model's window: shorten it"
            )
        pairs.append((encoded.shared + encoded.own, answer))
    return pairs


def batches(lengths: Sequence[int], size: int, epochs: int, generator: Any) -> Iterator[list[int]]:
    """Indices of each step's examples: like lengths together, drawn anew in every epoch."""
    torch = extras.load("torch", extra="lora")
    for _ in range(epochs):
        order = torch.randperm(len(lengths), generator=generator).tolist()
        order.sort(key=lambda index: lengths[index])  # stable: equal lengths stay shuffled
        cut = [order[start : start + size] for start in range(0, len(order), size)]
        for place in torch.randperm(len(cut), generator=generator).tolist():
            yield cut[place]


def rate(step: int, total: int) -> float:
    """Share of the peak learning rate at a step: linear warm-up, then half a cosine down to zero."""
    warm = max(1, round(total * _WARM_UP))
    if step < warm:
        return (step + 1) / warm
    return 0.5 * (1.0 + math.cos(math.pi * (step - warm) / max(1, total - warm)))


def _steps(
    torch: Any, model: Any, pairs: list[Pair], recipe: Recipe, progress: Progress | None
) -> list[float]:
    generator = torch.Generator().manual_seed(recipe.seed)
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=recipe.learning_rate, weight_decay=0.0)
    total = recipe.epochs * -(-len(pairs) // recipe.batch_size)
    lengths = [len(prompt) + len(answer) for prompt, answer in pairs]
    losses: list[float] = []
    for chosen in batches(lengths, recipe.batch_size, recipe.epochs, generator):
        for group in optimizer.param_groups:
            group["lr"] = recipe.learning_rate * rate(len(losses), total)
        loss = _loss(torch, model, [pairs[index] for index in chosen])
        losses.append(loss.item())
        if not math.isfinite(losses[-1]):
            raise AdapterError(
                f"the loss is {losses[-1]} at step {len(losses)}; expected a finite number: lower "
                "learning_rate "
                f"(it is {recipe.learning_rate})"
            )
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        if progress is not None:
            progress(len(losses), total, "train adapter")
    return losses


def _loss(torch: Any, model: Any, pairs: Sequence[Pair]) -> Any:
    """Mean cross-entropy of the answers' tokens; rows end together, so few logits are computed."""
    width = max(len(prompt) + len(answer) for prompt, answer in pairs)
    kept = max(len(answer) for _, answer in pairs)
    tokens = torch.zeros(len(pairs), width, dtype=torch.long)
    mask = torch.zeros(len(pairs), width, dtype=torch.long)
    labels = torch.full((len(pairs), kept), -100)
    for row, (prompt, answer) in enumerate(pairs):
        length = len(prompt) + len(answer)
        tokens[row, width - length :] = torch.tensor(prompt + answer)
        mask[row, width - length :] = 1
        labels[row, kept - len(answer) :] = torch.tensor(answer)
    places = (mask.cumsum(-1) - 1).clamp_min(0)
    result = model(
        input_ids=tokens, attention_mask=mask, position_ids=places, logits_to_keep=kept + 1, use_cache=False
    )
    logits = result.logits[:, :-1]
    return torch.nn.functional.cross_entropy(logits.reshape(-1, logits.shape[-1]), labels.reshape(-1))
