"""Small stand-ins with the real protocols: for examples, for users' own unit tests, for ours."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from .records import Corpus, Generation, Hit, Prompt, Support
from .store import canonical, digest


class ScriptedGenerator:
    """Answers from a mapping or a function; counts its calls.

    Args:
        answers: question (or any part of the prompt's user text) -> answer, or a function from
            prompt to answer. A prompt that no key is part of gets ``default``.
        default: the answer when nothing matches; None makes it an error.
        version: part of the identity; change it when the script changes behind a function.
    """

    context_window = 100_000
    max_new_tokens = 64

    def __init__(
        self,
        answers: Mapping[str, str] | Callable[[Prompt], str],
        *,
        default: str | None = None,
        version: str = "1",
    ) -> None:
        self.answers, self.default, self.version = answers, default, version
        self.calls = 0

    @property
    def identity(self) -> str:
        """The script itself, or the function's name, and the version."""
        script = dict(self.answers) if isinstance(self.answers, Mapping) else self.answers.__qualname__
        return canonical(
            {"kind": "scripted", "script": digest(script), "default": self.default, "version": self.version}
        )

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Words, as a stand-in for tokens."""
        return [len(text.split()) for text in texts]

    def generate(self, prompts: Sequence[Prompt]) -> list[Generation]:
        """One scripted generation a prompt."""
        self.calls += len(prompts)
        return [self._one(prompt) for prompt in prompts]

    def _one(self, prompt: Prompt) -> Generation:
        text = self._text(prompt)
        if text is None:
            return Generation(text=None, error=f"no scripted answer for {prompt.user[-80:]!r}")
        read, written = self.count_tokens([str(prompt), text])
        return Generation(text, prompt_tokens=read, completion_tokens=written, seconds=0.0)

    def _text(self, prompt: Prompt) -> str | None:
        if not isinstance(self.answers, Mapping):
            return self.answers(prompt)
        found = [answer for key, answer in self.answers.items() if key in prompt.user]
        return found[0] if found else self.default


class ScriptedRetriever:
    """Rankings from a mapping of question to passage ids, best first."""

    def __init__(self, rankings: Mapping[str, Sequence[str]], corpus: Corpus | None = None) -> None:
        self.rankings = {question: list(ids) for question, ids in rankings.items()}
        self.corpus = corpus

    @property
    def identity(self) -> str:
        """The script and the corpus."""
        fingerprint = self.corpus.fingerprint if self.corpus else None
        return canonical(
            {"kind": "scripted_retriever", "script": digest(self.rankings), "corpus": fingerprint}
        )

    def retrieve(self, questions: Sequence[str], k: int) -> list[list[Hit]]:
        """The scripted ranking, cut at ``k``; an unknown question gets none."""
        return [
            [Hit(name, 1.0 / rank) for rank, name in enumerate(self.rankings.get(question, [])[:k], start=1)]
            for question in questions
        ]


class ScriptedJudge:
    """Opinions from a function of (context, claim); counts its calls.

    Args:
        opinion: gives a probability, or None for a judge that cannot tell.
        version: part of the identity.
    """

    def __init__(self, opinion: Callable[[str, str], float | None], *, version: str = "1") -> None:
        self.opinion, self.version = opinion, version
        self.calls = 0

    @property
    def identity(self) -> str:
        """The function's name and the version."""
        return canonical(
            {"kind": "scripted_judge", "opinion": self.opinion.__qualname__, "version": self.version}
        )

    def support(self, pairs: Sequence[tuple[str, str]]) -> list[Support]:
        """One opinion a (context, claim) pair."""
        self.calls += len(pairs)
        return [self._support(self.opinion(context, claim)) for context, claim in pairs]

    def relevance(self, pairs: Sequence[tuple[str, str]]) -> list[Support]:
        """One opinion a (question, answer) pair."""
        return self.support(pairs)

    @staticmethod
    def _support(probability: float | None) -> Support:
        return Support(probability, "" if probability is not None else "the scripted judge gave no opinion")
