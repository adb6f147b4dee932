"""Each fault by itself: what it changes, what it leaves, and where it does not apply."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_ragtune.context import NoContext
from pytest_ragtune.fakes import ScriptedGenerator, ScriptedJudge
from pytest_ragtune.faults import FAULTS, Fault, Scene, faults_named, versions_of
from pytest_ragtune.faults.answers import OBEYED, ORDER, REFUSAL
from pytest_ragtune.faults.passages import gold_ids
from pytest_ragtune.golden import load_golden_set
from pytest_ragtune.pipeline import Pipeline
from pytest_ragtune.records import Case, Corpus, Hit, Passage, Response
from pytest_ragtune.text import is_refusal

PASSAGES = tuple(Passage(f"d#{n}", f"Rule {n} says that a loan lasts {n} weeks.", "d") for n in range(1, 9))
CORPUS = Corpus(PASSAGES, {"d": ""}, "f", "v2")
CASE = Case("a", "How long?", "Two weeks.", relevant={"d#2": 1})
OTHER = Case("b", "How many?", relevant={"d#7": 1})


def response(case: Case, text: str | None, *numbers: int, shown: int = 2) -> Response:
    ranking = tuple(Hit(f"d#{n}", 1.0 / rank) for rank, n in enumerate(numbers, start=1))
    contexts = tuple(PASSAGES[n - 1] for n in numbers[:shown])
    return Response(text, contexts, ranking, case=case, seconds=0.5)


SOUND = response(CASE, "It lasts two weeks, as Ada Lind says in May.", 2, 1, 3, 4)
ELSEWHERE = response(OTHER, "Up to 15 items, says Bo Frisk.", 7, 8, 2)
SCENE = Scene(CORPUS, {"a": SOUND, "b": ELSEWHERE})
NAMES = list(FAULTS)


def planted(name: str, sound: Response = SOUND, scene: Scene = SCENE, case: Case = CASE) -> Response:
    return faults_named([name])[0].alter(case, sound, scene)


def ids(items: Any) -> list[str]:
    return [item.passage_id if isinstance(item, Hit) else item.id for item in items]


def test_there_are_at_least_eighteen_each_described() -> None:
    assert len(FAULTS) >= 18
    for name, kind in FAULTS.items():
        fault = kind()
        assert fault.name == name
        assert fault.plants
        assert fault.needs
        assert name in fault.identity
    assert len({kind().identity for kind in FAULTS.values()}) == len(FAULTS)


def test_names_choose_in_the_order_of_the_matrix() -> None:
    assert [fault.name for fault in faults_named(["slow", "drop_gold"])] == ["drop_gold", "slow"]
    with pytest.raises(ValueError, match="'drop_gld' is no fault: did you mean 'drop_gold'"):
        faults_named(["drop_gld"])


def test_a_plain_fault_changes_nothing() -> None:
    fault = Fault()
    assert fault.alter(CASE, SOUND, SCENE) is SOUND
    assert fault.pipeline(object()) is None
    assert fault.judge(object()) is None


@pytest.mark.parametrize("name", NAMES)
def test_the_same_fault_twice_is_the_same(name: str) -> None:
    assert planted(name) == planted(name)


@pytest.mark.parametrize("name", NAMES)
def test_the_sound_response_is_not_edited(name: str) -> None:
    before = replace(SOUND)
    planted(name)
    assert before == SOUND


def test_drop_gold_lets_the_next_passage_move_up() -> None:
    bad = planted("drop_gold")
    assert ids(bad.ranking) == ["d#1", "d#3", "d#4"]
    assert ids(bad.contexts) == ["d#1", "d#3"]
    assert [hit.score for hit in bad.ranking or ()] == [1.0, 1 / 2, 1 / 3]


def test_drop_gold_needs_something_relevant() -> None:
    sound = response(CASE, "x", 1, 3)
    assert planted("drop_gold", sound) is sound
    unlabelled = replace(CASE, relevant={"d#2": 0})
    assert planted("drop_gold", SOUND, case=unlabelled) is SOUND


def test_a_distractor_takes_the_place_of_the_relevant_passage() -> None:
    bad = planted("distractor")
    assert ids(bad.ranking) == ["d#7", "d#1", "d#3", "d#4"]
    assert ids(bad.contexts) == ["d#7", "d#1"]


def test_without_strangers_the_relevant_passage_is_dropped() -> None:
    scene = Scene(None, {"a": SOUND})
    bad = planted("distractor", response(CASE, "x", 2, 1), scene)
    assert ids(bad.ranking) == ["d#1"]


@pytest.mark.parametrize("name", ["reverse_ranking", "shuffle_ranking"])
def test_an_order_needs_two(name: str) -> None:
    sound = response(CASE, "x", 2)
    assert planted(name, sound) is sound
    closed = Response("x", case=CASE)
    assert planted(name, closed) is closed


def test_a_reversed_ranking_shows_the_worst_passages() -> None:
    bad = planted("reverse_ranking")
    assert ids(bad.ranking) == ["d#4", "d#3", "d#1", "d#2"]
    assert ids(bad.contexts) == ["d#4", "d#3"]


def test_a_shuffled_ranking_holds_the_same_passages() -> None:
    wide = response(CASE, "x", *range(1, 9))
    bad = planted("shuffle_ranking", wide)
    assert ids(bad.ranking) != ids(wide.ranking)
    assert sorted(ids(bad.ranking)) == sorted(ids(wide.ranking))


def test_contexts_that_are_no_ranking_are_changed_by_themselves() -> None:
    whole = Response("x", PASSAGES, case=CASE)
    bad = planted("drop_gold", whole)
    assert bad.ranking is None
    assert ids(bad.contexts) == [f"d#{n}" for n in (1, 3, 4, 5, 6, 7, 8)]
    own = Response("x", (PASSAGES[1], PASSAGES[4]), ("d#3", "d#2"), case=CASE)
    bad = planted("drop_gold", own)
    assert ids(bad.ranking) == ["d#3"]
    assert ids(bad.contexts) == ["d#5"]


def test_a_context_of_plain_text_is_known_by_its_text() -> None:
    told = Response("x", ["Something else.", f"Header. {PASSAGES[1].text}"], case=CASE)
    assert gold_ids(CASE, told, SCENE) == {"d#2", "context-2"}
    assert [p.text for p in planted("drop_gold", told).contexts] == ["Something else."]


def test_a_stale_corpus_has_the_old_text_and_not_the_new_passages() -> None:
    old = Corpus((replace(PASSAGES[0], text="Old."), PASSAGES[2]), {}, "o", "v1")
    bad = planted("stale_corpus", scene=Scene(CORPUS, older=lambda corpus: old))
    assert ids(bad.ranking) == ["d#1", "d#3"]
    assert [passage.text for passage in bad.contexts] == ["Old."]
    same = Corpus(PASSAGES, {}, "o", "v1")
    assert planted("stale_corpus", scene=Scene(CORPUS, older=lambda corpus: same)) is SOUND
    assert planted("stale_corpus", scene=Scene(None, older=lambda corpus: old)) is SOUND
    assert planted("stale_corpus") is SOUND


def test_versions_come_from_the_golden_set(tmp_path: Path) -> None:
    for version, text in (("v1", "Old rule."), ("v2", "New rule.")):
        (tmp_path / "corpus" / version).mkdir(parents=True)
        (tmp_path / "corpus" / version / "d.md").write_text(f"# D\n\n{text}\n", encoding="utf-8")
    header = 'schema = 1\n[corpus]\nfolder = "corpus"\nversion = "v2"\n'
    (tmp_path / "golden_set.toml").write_text(header, encoding="utf-8")
    (tmp_path / "cases.jsonl").write_text('{"id": "a", "question": "Which rule?"}\n', encoding="utf-8")
    golden_set = load_golden_set(tmp_path)
    older = versions_of(
        lambda: [golden_set], lambda folder, version: load_golden_set(folder, version=version)
    )
    before = older(golden_set.corpus)
    assert before is not None
    assert before.version == "v1"
    assert older(before) is None
    assert older(CORPUS) is None


def test_a_truncated_context_keeps_a_quarter() -> None:
    bad = planted("truncate_context")
    whole = sum(len(passage.text) for passage in SOUND.contexts)
    assert sum(len(passage.text) for passage in bad.contexts) == whole // 4
    assert SOUND.contexts[0].text.startswith(bad.contexts[0].text)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("swap_numbers", "It lasts five weeks, as Ada Lind says in May."),
        ("swap_dates", "It lasts two weeks, as Ada Lind says in October."),
        ("swap_names", "It lasts two weeks, as Bo Frisk says in May."),
        ("wrong_question", "Up to 15 items, says Bo Frisk."),
        ("empty_answer", ""),
        ("always_refuse", REFUSAL),
    ],
)
def test_answers_are_changed_and_nothing_else(name: str, text: str) -> None:
    assert planted(name) == replace(SOUND, text=text)


@pytest.mark.parametrize("name", [name for name in NAMES if FAULTS[name].place == "answer"])
@pytest.mark.parametrize("sound", [Response(None, case=CASE), Response(None, case=CASE, error="gone")])
def test_without_an_answer_there_is_nothing_to_change(name: str, sound: Response) -> None:
    assert planted(name, sound) is sound


@pytest.mark.parametrize(
    "name", ["swap_numbers", "swap_dates", "swap_names", "flip_negation", "never_abstain"]
)
def test_an_answer_without_the_thing_stays(name: str) -> None:
    sound = replace(SOUND, text="Bring it to the desk.")
    assert planted(name, sound) is sound


def test_always_refuse_is_a_refusal_and_never_abstain_is_none() -> None:
    refused = planted("always_refuse")
    assert is_refusal(refused.text or "")
    assert planted("always_refuse", refused) is refused
    claimed = planted("never_abstain", refused)
    assert claimed.text == ELSEWHERE.text
    alone = planted("never_abstain", refused, Scene())
    assert alone.text
    assert not is_refusal(alone.text)


def test_wrong_question_needs_another_answer() -> None:
    assert planted("wrong_question", scene=Scene(CORPUS, {"a": SOUND})) is SOUND


def test_an_obeyed_order_stands_in_the_context() -> None:
    bad = planted("obey_document")
    assert bad.text == OBEYED
    assert bad.contexts[0].text.endswith(ORDER)
    assert bad.contexts[1:] == SOUND.contexts[1:]
    closed = Response("x", case=CASE)
    assert planted("obey_document", closed) is closed


def test_slow_multiplies_what_was_measured() -> None:
    assert planted("slow") == replace(SOUND, seconds=5.0)
    unmeasured = replace(SOUND, seconds=None)
    assert planted("slow", unmeasured) is unmeasured


def test_about_a_fifth_of_the_calls_fail() -> None:
    cases = [Case(f"q{n}", f"Question {n}?") for n in range(200)]
    fault = faults_named(["failing_calls"])[0]
    bad = [fault.alter(case, Response("x", case=case), Scene()) for case in cases]
    failed = [item for item in bad if item.error]
    assert 20 <= len(failed) <= 60
    assert all(item.text is None for item in failed)


class Adapted(ScriptedGenerator):
    def without_adapter(self) -> ScriptedGenerator:
        return ScriptedGenerator({}, default="plain")


def test_an_adapter_is_detached_and_everything_else_stays() -> None:
    fault = faults_named(["detach_adapter"])[0]
    sound = Pipeline("lora", NoContext(), Adapted({}, default="tuned"))
    bad = fault.pipeline(sound)
    assert bad is not None
    assert bad.respond_many([CASE])[0].text == "plain"
    assert (bad.name, bad.context_source, bad.prompt) == (sound.name, sound.context_source, sound.prompt)
    assert fault.pipeline(sound).generator is bad.generator  # type: ignore[union-attr]
    assert fault.pipeline(Pipeline("base", NoContext(), ScriptedGenerator({}))) is None
    assert fault.pipeline(lambda question: "x") is None


def doubt(context: str, claim: str) -> float:
    return 0.25


def test_a_judge_that_says_yes() -> None:
    judge = ScriptedJudge(doubt)
    bad = faults_named(["judge_yes"])[0].judge(judge)
    assert bad is not None
    assert [opinion.probability for opinion in bad.support([("a", "b"), ("c", "d")])] == [1.0, 1.0]
    assert [opinion.probability for opinion in bad.relevance([("a", "b")])] == [1.0]
    assert bad.identity == judge.identity
    assert judge.calls == 0
    assert not hasattr(bad, "best_support")
    assert faults_named(["judge_yes"])[0].judge(object()) is None


def test_a_judge_that_cannot_be_reached() -> None:
    fault = faults_named(["judge_down"])[0]
    bad = fault.judge(ScriptedJudge(doubt))
    assert bad is not None
    with pytest.raises(ConnectionError):
        bad.support([("a", "b")])
    silent = fault.judge(ScriptedGenerator({}))
    assert silent is not None
    assert silent.with_schema({}).generate(["x"])[0].error
    assert fault.judge(object()) is None
