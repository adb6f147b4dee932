"""How a question and its passages become a prompt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache

from .records import Passage, Prompt
from .store import canonical

SYSTEM = "Answer the question in one or two short sentences."
SYSTEM_WITH_CONTEXT = "You answer questions from the given context."


@dataclass(frozen=True, slots=True)
class PromptTemplate:
    """The wording of a prompt.

    The passages come first and the question last, so that prompts over the same passages share
    their beginning. A generator may compute that part once. The instruction stands beside the
    question: a small model follows it better there than in the system turn.
    """

    system: str = SYSTEM
    """System turn when there are no passages; the turn that a LoRA adapter is trained under."""
    system_with_context: str = SYSTEM_WITH_CONTEXT
    """System turn when there are passages."""
    before: str = "Context:\n"
    """What stands before the first passage."""
    passage: str = "{heading}{text}\n\n"
    """One passage; ``{id}``, ``{document}``, ``{heading}`` and ``{text}`` are filled in."""
    question: str = (
        "Using only the context above, answer in one short sentence.\nQuestion: {question}\nAnswer:"
    )
    """The question after passages; without passages the question stands alone."""

    @property
    def identity(self) -> str:
        """Every word of the template."""
        return _identity(self)

    def block(self, passage: Passage) -> str:
        """One passage as the model sees it."""
        heading = f"{passage.heading}\n" if passage.heading else ""
        return self.passage.format(
            id=passage.id, document=passage.document, heading=heading, text=passage.text
        )

    def render(self, question: str, passages: Sequence[Passage], *, shared: bool = False) -> Prompt:
        """The prompt for one question.

        Args:
            question: what is asked.
            passages: what the model is shown, in this order; empty for a closed book.
            shared: True when many questions are asked over these very passages.
        """
        if not passages:
            return Prompt(user=question, system=self.system)
        context = self.before + "".join(self.block(passage) for passage in passages)
        user = context + self.question.format(question=question)
        return Prompt(user=user, system=self.system_with_context, shared=context if shared else "")


@cache
def _identity(template: PromptTemplate) -> str:
    return canonical(asdict(template))
