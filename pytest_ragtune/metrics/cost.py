"""What an answer costs: time and tokens."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_ragtune.records import Case, MetricInfo, Response, Score

from .scoring import identity, no_answer, score_each, unscored


class Seconds:
    """Wall time of the answer."""

    info = MetricInfo(
        name="seconds",
        identity=identity("seconds", 1),
        formula="wall time in seconds; for cases answered in one batch, the batch's time shared evenly",
        source="measured by the pipeline",
        undefined="None when there is no answer or the pipeline did not measure it",
        high=None,
        higher_is_better=False,
    )

    def score(self, cases: Sequence[Case], responses: Sequence[Response]) -> list[Score]:
        """One score a case."""
        return score_each(cases, responses, self._score_one)

    def _score_one(self, case: Case, response: Response) -> Score:
        if response.seconds is None or response.error is not None:
            return no_answer(response) or unscored("the pipeline did not measure the time")
        return Score(float(response.seconds))


class Tokens:
    """Tokens read and written for the answer."""

    info = MetricInfo(
        name="tokens",
        identity=identity("tokens", 1),
        formula="tokens of the prompt plus tokens of the answer, as the generator counts them",
        source="counted by the generator",
        undefined="None when there is no answer or the generator did not count both",
        high=None,
        higher_is_better=False,
    )

    def score(self, cases: Sequence[Case], responses: Sequence[Response]) -> list[Score]:
        """One score a case."""
        return score_each(cases, responses, self._score_one)

    def _score_one(self, case: Case, response: Response) -> Score:
        missing = no_answer(response)
        if missing is not None:
            return missing
        if response.prompt_tokens is None or response.completion_tokens is None:
            return unscored("the generator did not count the tokens")
        return Score(float(response.prompt_tokens + response.completion_tokens))
