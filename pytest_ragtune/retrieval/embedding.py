"""Texts as unit vectors, by a sentence-transformers model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_ragtune import extras
from pytest_ragtune.active import exclusively
from pytest_ragtune.errors import ModelError

from . import batching
from .folders import find_model, fingerprint, quiet
from .ranking import check_questions, describe

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_VERSION = 1


class SentenceEmbedder:
    """Embeds texts with a sentence-transformers model in float32.

    The model is loaded at the first text. A vector does not depend on the other texts of the call (bit for
    bit on the CPU: see :mod:`.batching`). Text beyond ``max_tokens`` is cut off by the model. An
    empty text is embedded like any other: as the model's start and end marks alone.

    Args:
        model: a local folder, a name on the Hugging Face hub, or None for the packaged MiniLM-L6
            (all-MiniLM-L6-v2, 384 dimensions, 256 tokens). Weights are read as safetensors only, and no
            code of a model is run.
        prompt: put before every text, for models that were trained with one (``query: ``).
        device: ``cpu``, or a torch device such as ``cuda``.
        progress: called after each batch with (texts done, texts in all, ``embedding``).

    Raises:
        MissingExtra: the model's package, torch or sentence-transformers is absent.
        ModelError: there is no such model, or it cannot be loaded.
    """

    def __init__(
        self,
        model: str | Path | None = None,
        *,
        prompt: str = "",
        device: str = "cpu",
        progress: batching.Progress | None = None,
    ) -> None:
        self.name, self.folder = find_model(model)
        self.prompt, self.device, self.progress = prompt, device, progress
        self._loaded: Any = None

    @property
    def identity(self) -> str:
        """Name, hash of the model's files, prompt, and kind of device."""
        return describe(
            "sentence_embedder",
            _VERSION,
            model=self.name,
            files=fingerprint(self.folder),
            prompt=self.prompt,
            device=self.device.partition(":")[0],
        )

    @property
    def max_tokens(self) -> int | None:
        """Tokens that the model reads of a text; None when it knows no limit. Loads the model."""
        found = self._model().max_seq_length
        return None if found is None else int(found)

    @property
    def dim(self) -> int:
        """Length of a vector. Loads the model."""
        model = self._model()
        named = getattr(model, "get_embedding_dimension", None) or model.get_sentence_embedding_dimension
        return int(named() or self._vectors([" "]).shape[1])

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Array ``(len(texts), dim)``, float32, L2-normalised rows.

        Raises:
            ValueError: ``texts`` is a single string.
            ModelError: the model gives a vector that is not finite.
        """
        np = extras.load("numpy")
        check_questions(texts)
        if not texts:
            return np.empty((0, self.dim), dtype=np.float32)  # type: ignore[no-any-return]
        with exclusively():
            return self._vectors(texts)

    def _vectors(self, texts: Sequence[str]) -> NDArray[np.float32]:
        np = extras.load("numpy")
        model, report = self._model(), self.progress
        rows = batching.run(
            [self.prompt + text for text in texts],
            getattr(model, "preprocess", None) or model.tokenize,
            lambda batch: model(_moved(batch, self.device))["sentence_embedding"],
            limit=self.max_tokens,
            padding_side=getattr(model.tokenizer, "padding_side", "right"),
            progress=None if report is None else lambda done, total: report(done, total, "embedding"),
        )
        vectors = np.stack(rows).astype(np.float32)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        if not np.isfinite(lengths).all() or not lengths.all():
            bad = texts[int(np.flatnonzero(~(np.isfinite(lengths) & (lengths > 0)))[0])]
            raise ModelError(
                f"{self.name!r} gives no direction for {bad[:60]!r} (a vector that is zero or not finite): "
                "expected a finite one; the weights are damaged or are no embedding model"
            )
        return vectors / lengths  # type: ignore[no-any-return]

    def _model(self) -> Any:
        if self._loaded is None:
            library = extras.load("sentence_transformers", extra="dense")
            try:
                with quiet():
                    model = library.SentenceTransformer(
                        str(self.folder), device=self.device, trust_remote_code=False, local_files_only=True
                    )
            except Exception as error:  # transformers and safetensors raise many kinds for a damaged folder
                raise ModelError(
                    f"the model in {self.folder} cannot be loaded ({type(error).__name__}: {error}): "
                    "expected a sentence-transformers model; restore the folder or choose another"
                ) from error
            self._loaded = model.float().eval()
        return self._loaded


def _moved(batch: dict[str, Any], device: str) -> dict[str, Any]:
    """The batch with its tensors on ``device``."""
    return {name: value.to(device) if hasattr(value, "to") else value for name, value in batch.items()}
