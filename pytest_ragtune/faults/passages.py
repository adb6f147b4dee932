"""Faults of retrieval and of the documents: the generator answers again over what is left."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from pytest_ragtune.records import Case, Hit, Passage, Response

from .base import Fault, Scene, chance

_KEPT_SHARE = 0.25


class _RankingFault(Fault):
    """Puts other passages, or the same in another order, into ranking and context."""

    place = "context"

    def alter(self, case: Case, response: Response, scene: Scene) -> Response:
        """Ranking and context with the fault in both."""
        ranked = None if response.ranking is None else [hit.passage_id for hit in response.ranking]
        shown = [passage.id for passage in response.contexts]
        gold = gold_ids(case, response, scene)
        ranking, contexts = response.ranking, response.contexts
        if ranked is not None:
            order = self.order(case, ranked, gold, scene)
            if order != ranked:
                ranking = _with_scores(order, response.ranking or ())
        if ranking is not None and ranked is not None and shown and shown == ranked[: len(shown)]:
            wanted = [hit.passage_id for hit in ranking]
        else:
            wanted = self.order(case, shown, gold, scene)
        if wanted[: len(shown)] != shown:
            contexts = _looked_up(wanted, response, scene)[: len(shown)]
        if ranking is response.ranking and contexts is response.contexts:
            return response
        return replace(response, ranking=ranking, contexts=contexts)

    def order(self, case: Case, ids: list[str], gold: set[str], scene: Scene) -> list[str]:
        """The passage ids as the fault leaves them."""
        raise NotImplementedError


class DropGold(_RankingFault):
    """The retriever no longer finds what answers the question."""

    name = "drop_gold"
    plants = "the relevant passages are missing from ranking and context"
    needs = "a relevant passage in a ranking or a context"

    def order(self, case: Case, ids: list[str], gold: set[str], scene: Scene) -> list[str]:
        """Without the relevant ones."""
        return [name for name in ids if name not in gold]


class Distractor(_RankingFault):
    """The retriever finds something similar instead."""

    name = "distractor"
    plants = "each relevant passage is swapped for one that another question found"
    needs = "a relevant passage in a ranking or a context, and other passages"

    def order(self, case: Case, ids: list[str], gold: set[str], scene: Scene) -> list[str]:
        """With a stranger in the place of each relevant one."""
        if not gold & set(ids):
            return ids
        spare = _strangers(case, gold | set(ids), scene)
        filled = [next(spare, None) if name in gold else name for name in ids]
        return [name for name in filled if name is not None]


def _strangers(case: Case, avoided: set[str], scene: Scene) -> Iterator[str]:
    """Passages that other questions found, then the rest, each once, without the avoided ones."""
    for other in scene.others(case):
        for name in _ids(other):
            if name not in avoided:
                avoided.add(name)
                yield name
    yield from (name for name in scene.passages if name not in avoided)


class ReverseRanking(_RankingFault):
    """The scores got the wrong sign."""

    name = "reverse_ranking"
    plants = "the ranking is upside down"
    needs = "a ranking or a context of at least two passages"

    def order(self, case: Case, ids: list[str], gold: set[str], scene: Scene) -> list[str]:
        """Worst first."""
        return ids[::-1]


class ShuffleRanking(_RankingFault):
    """The order means nothing any more."""

    name = "shuffle_ranking"
    plants = "the ranking is in no order"
    needs = "a ranking or a context of at least two passages"

    def order(self, case: Case, ids: list[str], gold: set[str], scene: Scene) -> list[str]:
        """In an order that depends on the case and the passages alone."""
        return sorted(ids, key=lambda name: chance(case, name))


class StaleCorpus(Fault):
    """The index was never rebuilt: passages have the text that they had one version ago."""

    name = "stale_corpus"
    plants = "passages have the text of the corpus version before; newer ones are missing"
    needs = "a corpus with an earlier version that differs in a passage shown"
    place = "context"

    def alter(self, case: Case, response: Response, scene: Scene) -> Response:
        """Ranking and context as an index of the earlier version would give them."""
        before = None if scene.corpus is None else scene.older(scene.corpus)
        if before is None:
            return response
        old = {passage.id: passage for passage in before.passages}
        contexts = tuple(old[passage.id] for passage in response.contexts if passage.id in old)
        ranking = response.ranking
        if ranking is not None and any(hit.passage_id not in old for hit in ranking):
            ranking = tuple(hit for hit in ranking if hit.passage_id in old)
        is_same = [passage.text for passage in contexts] == [passage.text for passage in response.contexts]
        if is_same and ranking is response.ranking:
            return response
        return replace(response, ranking=ranking, contexts=response.contexts if is_same else contexts)


class TruncateContext(Fault):
    """The context is cut off, as by a window that is too small."""

    name = "truncate_context"
    plants = "only the first quarter of the context's text is left"
    needs = "a context"
    place = "context"

    def alter(self, case: Case, response: Response, scene: Scene) -> Response:
        """The context up to the cut, which may fall inside a passage."""
        left = int(sum(len(passage.text) for passage in response.contexts) * _KEPT_SHARE)
        kept = []
        for passage in response.contexts:
            if left <= 0:
                break
            kept.append(passage if len(passage.text) <= left else replace(passage, text=passage.text[:left]))
            left -= len(passage.text)
        return replace(response, contexts=tuple(kept)) if response.contexts else response


def gold_ids(case: Case, response: Response, scene: Scene) -> set[str]:
    """Ids of the relevant passages; a context given as plain text is recognised by its text."""
    gold = {name for name, grade in case.relevant.items() if grade > 0}
    texts = [_plain(scene.passages[name].text) for name in gold if name in scene.passages]
    unnamed = [passage for passage in response.contexts if not passage.document]
    return gold | {p.id for p in unnamed if any(text and text in _plain(p.text) for text in texts)}


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()


def _ids(response: Response) -> list[str]:
    if response.ranking is not None:
        return [hit.passage_id for hit in response.ranking]
    return [passage.id for passage in response.contexts if passage.document]


def _with_scores(order: Sequence[str], before: Sequence[Hit]) -> tuple[Hit, ...]:
    """The new order under the old scores, so that they still fall."""
    return tuple(Hit(name, hit.score) for name, hit in zip(order, before, strict=False))


def _looked_up(wanted: Sequence[str], response: Response, scene: Scene) -> tuple[Passage, ...]:
    shown = {passage.id: passage for passage in response.contexts}
    found = (shown.get(name) or scene.passages.get(name) for name in wanted)
    return tuple(passage for passage in found if passage is not None)
