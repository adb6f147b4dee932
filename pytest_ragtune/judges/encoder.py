"""The embedded model: a cross-encoder read by onnxruntime, its files verified before they are used."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, TypeVar

from pytest_ragtune import extras
from pytest_ragtune.errors import ModelError

from .features import FEATURES, Combiner
from .windows import Policy

WEIGHTS = Path(__file__).parent / "weights"
"""The folder of the judge that comes with the package."""
CARD, MODEL, TOKENIZER = "judge.json", "model.onnx", "tokenizer.json"
SCHEMA = 1
HEADS = tuple(FEATURES)
_INPUTS = ("input_ids", "attention_mask", "token_type_ids")
_TEXT_INPUTS = ("text_ids", "text_mask")
"""What a model may take of a pair and of a text. Those exported today take no masks: nothing is padded."""
TEXT_TOKENS = 128
"""Most tokens of a text that is read alone; the end of a longer one is not read."""
_CACHED_VECTORS = 4096
_VECTOR = "vector"
_DECIMALS = 6
_NO_PAIR = ([0, 0], [1, 1], [0, 1])
_NO_TEXT = ([0], [1])
"""What the half of the model that is not asked for reads: as little as there is."""
THREADS = 2
"""Pairs, or texts, that are run at once."""
_Item = TypeVar("_Item", bound=Hashable)
_Result = TypeVar("_Result")
_CHARACTERS_A_TOKEN = 24
"""A text is cut to this many characters a token before it is read: tokenizers take time on all of it."""


@dataclass(frozen=True, slots=True)
class Card:
    """What ``judge.json`` says."""

    name: str
    """Name of the judge, for example ``nli``."""
    version: int
    """Version of its weights."""
    max_tokens: int
    """Most tokens of a pair; the context is cut, never the claim before it."""
    window: Policy
    """Which windows of a context it reads."""
    combiners: Mapping[str, Combiner]
    """One for each head."""
    thresholds: Mapping[str, float]
    """Recommended threshold of each head."""
    checksum: str
    """Twelve digits that change with any byte of the folder's files."""


class Encoder:
    """Two logits a pair of texts: does the first support the second, does the second answer the first?

    Pairs are run one by one, each without padding: an int8 model scales its activations over all that is run
    together, so a pair's logits would else depend on its company. Equal pairs are run once a call. The files
    are verified at once; the model is loaded at the first pair.

    Args:
        folder: holds the model, its tokenizer and its card.

    Raises:
        ModelError: a file is missing, damaged, or not what the card says.
    """

    def __init__(self, folder: Path | str = WEIGHTS) -> None:
        self.folder = Path(folder)
        self.card = read_card(self.folder)
        self._vector = lru_cache(maxsize=_CACHED_VECTORS)(self._read)

    def logits(self, pairs: Sequence[tuple[str, str]]) -> list[tuple[float, float]]:
        """(supports, answers) a (first, second) pair, in order."""
        found = self._each(lambda pair: self._run(*pair), pairs)
        return [found[pair] for pair in pairs]

    def cosines(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        """How near two texts are in what they are about, each read alone: the cosine of their vectors.

        A model that reads no text alone finds all pairs equally far: 0.
        """
        if _VECTOR not in self._outputs:
            return [0.0] * len(pairs)
        found = self._each(self._vector, [text for pair in pairs for text in pair])
        return [round(float(found[first] @ found[second]), _DECIMALS) for first, second in pairs]

    def _each(self, run: Callable[[_Item], _Result], items: Iterable[_Item]) -> dict[_Item, _Result]:
        """What ``run`` says of each distinct item, some at once."""
        distinct = list(dict.fromkeys(items))
        if len(distinct) < 2:
            return {item: run(item) for item in distinct}
        _ = self._session, self._tokenizer, self._given  # loaded once, before there are several threads
        with ThreadPoolExecutor(THREADS) as several:
            return dict(zip(distinct, several.map(run, distinct), strict=True))

    @cached_property
    def _outputs(self) -> set[str]:
        """What the model gives."""
        return {item.name for item in self._session.get_outputs()}

    @cached_property
    def _given(self) -> set[str]:
        """The inputs that the model takes."""
        return {item.name for item in self._session.get_inputs()}

    def _run(self, first: str, second: str) -> tuple[float, float]:
        room = self.card.max_tokens * _CHARACTERS_A_TOKEN
        encoded = self._tokenizer.encode(_readable(first[:room]), _readable(second[:room]))
        pair = (encoded.ids, encoded.attention_mask, encoded.type_ids)
        supports, answers = self._ask("logits", pair, _NO_TEXT).tolist()
        return supports, answers

    def _read(self, text: str) -> Any:
        """The unit vector of a text, array ``(dim,)``, float32."""
        encoded = self._tokenizer.encode(_readable(text[: TEXT_TOKENS * _CHARACTERS_A_TOKEN]))
        found = (encoded.ids[:TEXT_TOKENS], encoded.attention_mask[:TEXT_TOKENS])
        return self._ask(_VECTOR, _NO_PAIR, found)

    def _ask(self, output: str, pair: Sequence[list[int]], text: Sequence[list[int]]) -> Any:
        """One output of the model, for one pair or text; all its inputs must be given something."""
        numpy = extras.load("numpy")
        columns = zip((*_INPUTS, *_TEXT_INPUTS), (*pair, *text), strict=True)
        feed = {name: numpy.array([values], dtype="int64") for name, values in columns if name in self._given}
        return self._session.run([output], feed)[0][0]

    @cached_property
    def _tokenizer(self) -> Any:
        try:
            tokenizer = extras.load("tokenizers").Tokenizer.from_file(str(self.folder / TOKENIZER))
        except Exception as error:  # the library raises bare Exception
            raise ModelError(f"{self.folder / TOKENIZER} is no tokenizer: {error}") from error
        tokenizer.no_padding()
        tokenizer.enable_truncation(self.card.max_tokens, strategy="longest_first")
        return tokenizer

    @cached_property
    def _session(self) -> Any:
        path = self.folder / MODEL
        try:
            return open_session(path)
        except Exception as error:  # as many kinds as there are ways for a file to be wrong
            version = extras.load("onnxruntime").__version__
            raise ModelError(f"{path} cannot be run by onnxruntime {version}: {error}") from error


def open_session(path: Path) -> Any:
    """A session of one thread over the model: two pairs at once are faster than two threads at one pair.

    onnxruntime's kernel for an addition with the normalisation after it is several times slower than the two.
    """
    runtime = extras.load("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return runtime.InferenceSession(
        str(path), options, providers=["CPUExecutionProvider"], disabled_optimizers=["SkipLayerNormFusion"]
    )


def read_card(folder: Path) -> Card:
    """The card of a judge's folder, once every file has been found to be what the card says.

    Raises:
        ModelError: a file is missing, damaged or of another schema; the message names it.
    """
    path = folder / CARD
    try:
        text = path.read_bytes()
        given = json.loads(text)
    except OSError as error:
        raise ModelError(f"{path} cannot be read ({error.strerror}): {_again(folder)}") from error
    except ValueError as error:
        raise ModelError(f"{path} is damaged ({error}): {_again(folder)}") from error
    schema = given.get("schema") if isinstance(given, dict) else None
    if schema != SCHEMA:
        raise ModelError(
            f"{path} has schema {schema!r}: expected {SCHEMA}, as this version of the package reads"
        )
    try:
        _verify(folder, given["files"])
        card = Card(
            name=str(given["name"]),
            version=int(given["version"]),
            max_tokens=int(given["max_tokens"]),
            window=Policy(**_known(given["window"], (item.name for item in fields(Policy)))),
            combiners={head: _combiner(given["combiner"][head]) for head in HEADS},
            thresholds={head: float(given["thresholds"][head]) for head in HEADS},
            checksum=hashlib.sha256(text).hexdigest()[:12],
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ModelError(f"{path} is damaged ({type(error).__name__}: {error}): {_again(folder)}") from error
    for head, known in FEATURES.items():
        if unknown := sorted(set(card.combiners[head].features) - set(known)):
            others = f" and {len(unknown) - 1} more" if len(unknown) > 1 else ""
            raise ModelError(
                f"{path} was made by another version of the package: it weighs {unknown[0]!r}{others}, "
                f"expected only {', '.join(known)}; {_again(folder)}"
            )
    return card


def _verify(folder: Path, files: Mapping[str, str]) -> None:
    """Refuse a file that is not the one the card was written for."""
    for name in sorted({MODEL, TOKENIZER} | set(files)):
        path, expected = folder / name, files[name]
        try:
            with path.open("rb") as stream:
                found = hashlib.file_digest(stream, "sha256").hexdigest()
        except OSError as error:
            raise ModelError(f"{path} cannot be read ({error.strerror}): {_again(folder)}") from error
        if found != expected:
            raise ModelError(
                f"{path} is damaged: its SHA-256 is {found[:12]}..., expected {expected[:12]}...; "
                f"{_again(folder)}"
            )


def _again(folder: Path) -> str:
    if folder == WEIGHTS:
        return "reinstall it with: pip install --force-reinstall --no-deps pytest-ragtune"
    return "write the folder again with ragtune train-judge"


def _combiner(given: Mapping[str, Any]) -> Combiner:
    columns = {name: tuple(map(float, given[name])) for name in ("mean", "scale", "weights")}
    names = tuple(map(str, given["features"]))
    if {len(names)} != {len(column) for column in columns.values()}:
        raise ValueError(f"the combiner has {len(names)} features and not as many numbers for each")
    return Combiner(names, **columns, bias=float(given["bias"]))


def _known(given: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    allowed = set(names)
    unknown = sorted(set(given) - allowed)
    if unknown:
        raise ValueError(f"window has unknown settings {unknown}: expected {sorted(allowed)}")
    return dict(given)


def _readable(text: str) -> str:
    """``text`` without lone surrogates, which a tokenizer cannot take."""
    return text.encode("utf-8", "replace").decode("utf-8")
