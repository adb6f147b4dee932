"""What happens to a question before it is retrieved with: rewriting, several wordings, routing."""

from __future__ import annotations

import hashlib
import inspect
import re
from collections.abc import Callable, Mapping, Sequence

from pytest_ragtune.protocols import Retriever
from pytest_ragtune.records import Hit

from .fusion import check_fusion, fuse
from .ranking import checked, describe

_VERSION = 1

Rule = str | re.Pattern[str] | Callable[[str], bool]
"""What sends a question down a route: a regular expression that is searched for, or a predicate."""


class ExpandAbbreviations:
    """Writes out abbreviations behind themselves: ``PTO`` becomes ``PTO (paid time off)``.

    A query transform: ``transform(question) -> question``. Whole words only; an abbreviation with an
    upper-case letter is matched as written (``IT`` is not ``it``), any other in every case. One that is
    followed by its long form already is left alone.

    Args:
        mapping: abbreviation -> long form.

    Raises:
        ValueError: no abbreviation, or an empty one or an empty long form.
    """

    def __init__(self, mapping: Mapping[str, str]) -> None:
        self.mapping = dict(mapping)
        if not self.mapping or not all(s.strip() and f.strip() for s, f in self.mapping.items()):
            raise ValueError(
                f"mapping is {self.mapping!r}: expected abbreviations and long forms, for example "
                "{'PTO': 'paid time off'}"
            )
        self._forms = {
            short if short != short.lower() else short.lower(): f for short, f in self.mapping.items()
        }
        parts = [
            re.escape(short) if short != short.lower() else f"(?i:{re.escape(short)})"
            for short in sorted(self._forms, key=lambda short: (-len(short), short))
        ]
        self._pattern = re.compile(rf"(?<!\w)(?:{'|'.join(parts)})(?!\w)")

    @property
    def identity(self) -> str:
        """The mapping."""
        return describe("expand_abbreviations", _VERSION, mapping=self.mapping)

    def __call__(self, question: str) -> str:
        """The question with every abbreviation written out."""

        def written_out(match: re.Match[str]) -> str:
            short = match.group()
            form = self._forms[short] if short in self._forms else self._forms[short.lower()]
            is_there = question[match.end() :].lstrip(" (").lower().startswith(form.lower())
            return short if is_there else f"{short} ({form})"

        return self._pattern.sub(written_out, question)


class MultiQuery:
    """Retrieves with several wordings of a question and joins the rankings by reciprocal rank fusion.

    A retriever around a retriever. Wordings that repeat are asked once; with a single wording left the inner
    ranking is passed on as it is.

    Args:
        retriever: asked with every wording, in one call.
        function: question -> further wordings, for example its sub-questions.
        includes_question: True to ask the question itself as well, first.
        rank_constant: of the fusion (see :func:`.fusion.fuse`).
        depth: hits asked for each wording (``k`` where that is more).
        version: part of the identity; change it when what is behind ``function`` changes.
    """

    def __init__(
        self,
        retriever: Retriever,
        function: Callable[[str], Sequence[str]],
        *,
        includes_question: bool = True,
        rank_constant: float = 60,
        depth: int = 100,
        version: str = "1",
    ) -> None:
        check_fusion(rank_constant, depth)
        self.retriever, self.function, self.includes_question = retriever, function, includes_question
        self.rank_constant, self.depth, self.version = float(rank_constant), depth, version

    @property
    def identity(self) -> str:
        """The retriever, the function's source, and the parameters."""
        return describe(
            "multi_query",
            _VERSION,
            retriever=self.retriever.identity,
            function=function_identity(self.function),
            function_version=self.version,
            includes_question=self.includes_question,
            rank_constant=self.rank_constant,
            depth=self.depth,
        )

    def retrieve(self, questions: Sequence[str], k: int) -> list[list[Hit]]:
        """At most ``k`` hits a question, best first, ties by passage id.

        Raises:
            ValueError: ``k`` is below 1, or the function gives a single string.
        """
        k = checked(questions, k)
        wordings = [self._wordings(question) for question in questions]
        flat = [wording for group in wordings for wording in group]
        found = iter(self.retriever.retrieve(flat, max(k, self.depth)) if flat else ())
        return [self._joined([next(found) for _ in group], k) for group in wordings]

    def _wordings(self, question: str) -> list[str]:
        if not question.strip():
            return []
        more = self.function(question)
        if isinstance(more, str):
            raise ValueError(
                f"the function of MultiQuery gave one string ({more[:40]!r}): expected a list of questions"
            )
        first = [question] if self.includes_question else []
        return list(dict.fromkeys(text for text in [*first, *more] if text.strip()))

    def _joined(self, rankings: list[list[Hit]], k: int) -> list[Hit]:
        if len(rankings) == 1:
            return rankings[0][:k]
        return fuse(rankings, rank_constant=self.rank_constant, k=k)


class Router:
    """Sends each question to the retriever of the first rule that holds for it.

    A retriever itself.

    Args:
        routes: (rule, retriever) pairs, tried in order.
        default: for questions that no rule holds for.

    Raises:
        ValueError: a rule is a regular expression that does not compile.
    """

    def __init__(self, routes: Sequence[tuple[Rule, Retriever]], default: Retriever) -> None:
        self.routes, self.default = tuple(routes), default
        self._rules = [_compiled(rule) for rule, _ in self.routes]

    @property
    def identity(self) -> str:
        """Every rule and every retriever."""
        return describe(
            "router",
            _VERSION,
            rules=[_rule_identity(rule) for rule in self._rules],
            retrievers=[retriever.identity for _, retriever in self.routes],
            default=self.default.identity,
        )

    def retrieve(self, questions: Sequence[str], k: int) -> list[list[Hit]]:
        """At most ``k`` hits a question, as its retriever ranks them.

        Raises:
            ValueError: ``k`` is below 1.
        """
        k = checked(questions, k)
        places: dict[int, list[int]] = {}
        for place, question in enumerate(questions):
            places.setdefault(self._route(question), []).append(place)
        rankings: dict[int, list[Hit]] = {}
        for route, asked in places.items():
            retriever = self.default if route < 0 else self.routes[route][1]
            found = retriever.retrieve([questions[place] for place in asked], k)
            rankings.update(zip(asked, found, strict=True))
        return [rankings[place] for place in range(len(questions))]

    def _route(self, question: str) -> int:
        """Number of the route; -1 for the default."""
        for number, rule in enumerate(self._rules):
            if rule.search(question) if isinstance(rule, re.Pattern) else rule(question):
                return number
        return -1


def function_identity(function: Callable[..., object]) -> str:
    """Name of a function and hash of its source, or its own ``identity`` where it has one.

    What the function reads from elsewhere (globals, closures, files) is not seen.
    """
    own = getattr(function, "identity", None)
    if isinstance(own, str):
        return own
    named = function if hasattr(function, "__qualname__") else type(function)
    name = f"{named.__module__}.{named.__qualname__}"
    code = getattr(function, "__code__", None)
    try:
        content = inspect.getsource(function).encode()
    except (OSError, TypeError):  # typed at a prompt, built in, or an object that is called
        content = code.co_code + repr(code.co_consts).encode() if code else b""
    return f"{name}:{hashlib.sha256(content).hexdigest()[:16]}"


def _compiled(rule: Rule) -> re.Pattern[str] | Callable[[str], bool]:
    if not isinstance(rule, str):
        return rule
    try:
        return re.compile(rule)
    except re.error as error:
        raise ValueError(
            f"the rule {rule!r} is no regular expression ({error}): expected one; escape special characters"
        ) from error


def _rule_identity(rule: re.Pattern[str] | Callable[[str], bool]) -> str:
    return f"re:{rule.flags}:{rule.pattern}" if isinstance(rule, re.Pattern) else function_identity(rule)
