"""What a pipeline finds, asks and answers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .golden import Case, Passage

NOT_ASKED = "not asked"
"""How the error of an answer begins that nobody was asked for: a budget was spent, a server had failed."""


@dataclass(frozen=True, slots=True)
class Hit:
    """One entry of a ranking."""

    passage_id: str
    """Which passage."""
    score: float
    """The retriever's own score: higher is better, comparable only within one ranking."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a generator is asked."""

    user: str
    """The user's turn."""
    system: str = ""
    """The system turn; empty for none."""
    shared: str = ""
    """Leading part of ``user`` that many prompts share (a whole corpus): a generator may compute it once."""

    def __str__(self) -> str:
        return f"{self.system}\n\n{self.user}" if self.system else self.user


@dataclass(frozen=True, slots=True)
class Generation:
    """What a generator gave for one prompt."""

    text: str | None
    """The answer; None when there is an error."""
    prompt_tokens: int | None = None
    """Tokens read, chat template included."""
    completion_tokens: int | None = None
    """Tokens written."""
    seconds: float | None = None
    """Wall time: the batch's, shared evenly, where cases were batched."""
    error: str | None = None
    """Why there is no text."""
    note: str = ""
    """What whoever reads the report should know of it: that the answer was cut off, for example."""


@dataclass(frozen=True, slots=True)
class Response:
    """A pipeline's answer to one case, with what it saw on the way.

    ``contexts`` may be given as plain strings and ``ranking`` as passage ids, best first; both are
    turned into records. Half of a character (a lone surrogate, as a cut stream leaves behind) becomes
    U+FFFD, since no file or terminal takes it.
    """

    text: str | None
    """The answer; None when nothing was generated."""
    contexts: tuple[Passage, ...] = ()
    """Passages that the generator saw, in the order it saw them."""
    ranking: tuple[Hit, ...] | None = None
    """What the retriever returned, best first; None when nothing was ranked."""
    case: Case | None = None
    """The case that was asked; a pipeline fills it in."""
    prompt_tokens: int | None = None
    """Tokens read."""
    completion_tokens: int | None = None
    """Tokens written."""
    seconds: float | None = None
    """Wall time of the answer."""
    error: str | None = None
    """Why there is no answer."""
    note: str = ""
    """A remark for the report."""

    if TYPE_CHECKING:  # what a caller may pass, which is more than what a reader finds

        def __init__(
            self,
            text: str | None,
            contexts: Sequence[Passage | str] = (),
            ranking: Sequence[Hit | str] | None = None,
            case: Case | None = None,
            prompt_tokens: int | None = None,
            completion_tokens: int | None = None,
            seconds: float | None = None,
            error: str | None = None,
            note: str = "",
        ) -> None: ...

    def __post_init__(self) -> None:
        text: Any = self.text
        contexts: Any = self.contexts
        if not (text is None or isinstance(text, str)):
            raise TypeError(f"Response got {text!r} for text: expected a string, or None for no answer")
        for name, value in (("text", text), ("error", self.error)):
            if isinstance(value, str) and (whole := _whole(value)) is not value:
                object.__setattr__(self, name, whole)
        if not isinstance(contexts, tuple) or not set(map(type, contexts)) <= {Passage}:
            passages = tuple(
                Passage(id=f"context-{number}", text=_whole(item)) if isinstance(item, str) else item
                for number, item in enumerate(_listed("contexts", contexts, Passage, "texts"), start=1)
            )
            object.__setattr__(self, "contexts", passages)
        ranking: Any = self.ranking
        if ranking is not None and not (isinstance(ranking, tuple) and set(map(type, ranking)) <= {Hit}):
            hits = tuple(
                Hit(item, 1.0 / rank) if isinstance(item, str) else item
                for rank, item in enumerate(_listed("ranking", ranking, Hit, "passage ids"), start=1)
            )
            object.__setattr__(self, "ranking", hits)


def _whole(text: str) -> str:
    """The text itself, or one without lone surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _listed(name: str, given: Any, kind: type, words: str) -> list[Any]:
    """What was given for a field that takes a list, as one."""
    if not isinstance(given, str | bytes) and isinstance(given, Iterable):
        items = list(given)
        wrong = next((item for item in items if not isinstance(item, str | kind)), None)
        if wrong is None:
            return items
        given = wrong
    raise TypeError(
        f"Response got {given!r} for {name}: expected a list of {words} or of pytest_ragtune.{kind.__name__}"
    )
