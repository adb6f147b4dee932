"""LoRA adapters: train one, load one, generate with one, and see that it does something."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pytest_ragtune import extras
from pytest_ragtune.active import exclusively
from pytest_ragtune.errors import AdapterError
from pytest_ragtune.records import Example, Prompt

from .adapters import TRAINING, Adapter, load_adapter, merge_adapter
from .attention import register
from .causal import CausalGenerator
from .folders import new_folder
from .loading import installed_version, load_weights
from .models import (
    Progress,
    cache_folder,
    prepare_model,
    resolve_model,
    weights_fingerprint,
    write_atomically,
)
from .training import Recipe, fit

__all__ = ["Adapter", "LoraGenerator", "load_adapter", "train_adapter", "verify_adapter"]

TRAINER = 1
"""Version of the training: raised when a change could change an adapter."""
_SAMPLE = 12
_TOKENS = 24


def train_adapter(
    examples: Sequence[Example],
    *,
    model: str | os.PathLike[str] | None = None,
    rank: int = 16,
    alpha: int = 32,
    epochs: int = 2,
    learning_rate: float = 2e-3,
    batch_size: int = 8,
    seed: int = 0,
    system: str = "",
    progress: Progress | None = None,
    cache: Path | None = None,
) -> Adapter:
    """Train a LoRA adapter, or take it from the cache when the same was trained before.

    Two processes that ask for the same adapter train once: the second waits. An interrupt leaves
    nothing behind.

    Args:
        examples: questions and the answers to learn.
        model: the base, as for :class:`CausalGenerator`.
        rank: rank of the change to each weight.
        alpha: the change is scaled by ``alpha / rank``.
        epochs: times that every example is seen.
        learning_rate: peak of the learning rate.
        batch_size: examples a step.
        seed: of the first weights and of the order.
        system: system turn to train under; give the one that will be asked under.
        progress: called with (done, total, what) after each step.
        cache: folder for adapters; None for the cache folder's ``adapters``.

    Raises:
        AdapterError: there is no example, an example is empty or too long, the training diverged, the
            cache cannot be written, or the trained adapter changes no answer to its own questions.
        ModelError: the base cannot be loaded.
        MissingExtra: torch, transformers or peft is absent.
    """
    recipe = Recipe(rank, alpha, epochs, learning_rate, batch_size, seed)
    _check_examples(examples)
    source = resolve_model(model)
    notes = _notes(examples, weights_fingerprint(source), recipe, system)
    target = (cache_folder() / "adapters" if cache is None else cache) / _key(notes, examples)
    if not (target / TRAINING).is_file():
        try:
            _train(examples, prepare_model(source, progress), target, recipe, notes, progress)
        except OSError as error:
            raise AdapterError(
                f"the adapter could not be written to {target} ({error}); expected a writable folder with "
                "room: "
                "free some, or set RAGTUNE_CACHE to another folder"
            ) from error
    adapter = load_adapter(target)
    verify_adapter(adapter, model=model)
    return adapter


def trained_before(examples: Sequence[Example], *, system: str = "") -> Adapter:
    """The adapter that :func:`train_adapter` would take from the cache; nothing is trained.

    Raises:
        AdapterError: it was not trained yet.
    """
    notes = _notes(examples, weights_fingerprint(resolve_model(None)), Recipe(), system)
    target = cache_folder() / "adapters" / _key(notes, examples)
    if not (target / TRAINING).is_file():
        raise AdapterError("the adapter is not trained yet: run the tests once to train it")
    return load_adapter(target)


class LoraGenerator(CausalGenerator):
    """A causal language model with a LoRA adapter merged into its weights.

    Args:
        adapter: what :func:`train_adapter` or :func:`load_adapter` gave, or an adapter's folder.
        model: the base that the adapter was trained on, as for :class:`CausalGenerator`.
        parameters: as for :class:`CausalGenerator`.

    Raises:
        AdapterError: the adapter is damaged. Whether it fits the base and changes its answers is seen
            when the model is loaded.
    """

    def __init__(
        self,
        adapter: Adapter | str | os.PathLike[str],
        model: str | os.PathLike[str] | None = None,
        **parameters: Any,
    ) -> None:
        super().__init__(model, **parameters)
        self.adapter = adapter if isinstance(adapter, Adapter) else load_adapter(adapter)
        self._is_verified = False

    def without_adapter(self) -> CausalGenerator:
        """The base model under the same parameters."""
        return CausalGenerator(
            self.model,
            max_new_tokens=self.max_new_tokens,
            dtype=self.dtype,
            batch_size=self.batch_size,
            temperature=self.temperature,
            top_p=self.top_p,
            seed=self.seed,
            device=self.device,
            progress=self.progress,
        )

    def _identity(self) -> dict[str, object]:
        return super()._identity() | {"kind": "lora", "adapter": self.adapter.fingerprint}

    def _load(self) -> Any:
        if not self._is_verified:
            verify_adapter(self.adapter, model=self.model)
            self._is_verified = True
        model = load_weights(self.folder, dtype="float32", device="cpu", attention=register())
        dtype = getattr(extras.load("torch", extra="lora"), self.dtype)
        return merge_adapter(model, self.adapter).to(self.device, dtype).eval()


def verify_adapter(
    adapter: Adapter, examples: Sequence[Example] = (), *, model: str | os.PathLike[str] | None = None
) -> None:
    """See once that an adapter fits its base and changes answers to its own training questions.

    Up to 12 questions are answered with and without the adapter. That it passed is kept in the cache
    folder under both fingerprints. An adapter whose questions are unknown passes when it fits and
    changes any weight.

    Args:
        adapter: the adapter.
        examples: its training examples, where the folder does not say.
        model: the base.

    Raises:
        AdapterError: the adapter was trained on other weights, does not fit, or changes no answer.
    """
    base = weights_fingerprint(resolve_model(model))
    if adapter.base and adapter.base != base:
        raise AdapterError(
            f"the adapter in {adapter.folder} was trained on weights {adapter.base[:12]}; expected "
            f"{base[:12]}, the "
            "weights of this model: name the model that it was trained on, or train it again"
        )
    record = cache_folder() / "verified" / f"{adapter.fingerprint[:24]}-{base[:24]}.json"
    if record.is_file():
        return
    questions = adapter.questions or _sample([example.question for example in examples])
    changed = _changed(adapter, questions, model) if questions else _merges(adapter, model)
    try:
        write_atomically(record, json.dumps({"questions": len(questions), "changed": changed}))
    except OSError:  # a read-only cache costs time, not the run
        return


def _changed(adapter: Adapter, questions: Sequence[str], model: str | os.PathLike[str] | None) -> int:
    """How many answers differ with the adapter; none is an error."""
    settings: dict[str, Any] = {
        "max_new_tokens": _TOKENS,
        "batch_size": 16,
        "device": "cpu",
        "dtype": "float32",
    }
    prompts = [Prompt(user=question, system=adapter.system) for question in questions]
    adapted = LoraGenerator(adapter, model, **settings)
    adapted._is_verified = True
    after = [generation.text for generation in adapted.generate(prompts)]
    before = [generation.text for generation in CausalGenerator(model, **settings).generate(prompts)]
    changed = sum(old != new for old, new in zip(before, after, strict=True))
    if not changed:
        raise AdapterError(
            f"the adapter in {adapter.folder} changes none of the answers to {len(questions)} of its own "
            "training "
            "questions; expected at least one to change: train it for longer or with a higher learning_rate"
        )
    return changed


def _merges(adapter: Adapter, model: str | os.PathLike[str] | None) -> int:
    folder = prepare_model(resolve_model(model))
    merge_adapter(load_weights(folder, dtype="float32", device="cpu", attention="eager"), adapter)
    return 0


def _train(
    examples: Sequence[Example],
    model_folder: Path,
    target: Path,
    recipe: Recipe,
    notes: dict[str, object],
    progress: Progress | None,
) -> None:
    with new_folder(target, TRAINING) as folder:
        if folder is None:
            return
        begun = time.perf_counter()
        with exclusively():
            losses = fit(examples, model_folder, folder, recipe, str(notes["system"]), progress)
        told = {**notes, "losses": losses, "seconds": round(time.perf_counter() - begun, 1)}
        (folder / TRAINING).write_text(json.dumps(told, indent=1), encoding="utf-8")


def _notes(examples: Sequence[Example], base: str, recipe: Recipe, system: str) -> dict[str, object]:
    return {
        "trainer": TRAINER,
        "base": base,
        "examples": len(examples),
        "recipe": asdict(recipe),
        "system": system,
        "versions": {name: installed_version(name) for name in ("torch", "transformers", "peft")},
        "questions": list(_sample([example.question for example in examples])),
    }


def _key(notes: dict[str, object], examples: Sequence[Example]) -> str:
    content = [notes, [[example.question, example.answer] for example in examples]]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:32]


def _sample(questions: Sequence[str]) -> tuple[str, ...]:
    """Up to 12 questions, evenly spread over the list."""
    step = max(1, -(-len(questions) // _SAMPLE))
    return tuple(questions[::step])


def _check_examples(examples: Sequence[Example]) -> None:
    if not examples:
        raise AdapterError("there are no training examples; expected at least one: add lines to train.jsonl")
    for number, example in enumerate(examples, start=1):
        for name in ("question", "answer"):
            if not getattr(example, name).strip():
                raise AdapterError(
                    f"training example {number} has an empty {name}; expected text: fill it in or remove "
                    "the line"
                )
