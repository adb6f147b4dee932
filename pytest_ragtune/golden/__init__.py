"""Golden sets: a folder of cases, corpus and training examples, read and checked as a whole."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_ragtune.corpus import corpus_fingerprint, cut_documents, unknown_version
from pytest_ragtune.corpus.chunking import Chunking
from pytest_ragtune.corpus.documents import empty_corpus
from pytest_ragtune.corpus.files import parse_lines, schema
from pytest_ragtune.errors import GoldenSetError, Problem
from pytest_ragtune.records import Case, Corpus, Example, GoldenSet

from .header import Opened, open_documents, read_header
from .labels import Label, LabelResolver

if TYPE_CHECKING:
    from pytest_ragtune.corpus.schema import CaseLine, LabelLine

_CANONICAL = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"))
_NO_WORD = re.compile(r"[\W_]+")


def load_golden_set(
    folder: str | Path, *, version: str | None = None, chunking: Chunking | None = None
) -> GoldenSet:
    """Read a golden set from its folder.

    The folder holds ``golden_set.toml`` (at least ``schema = 1``), ``cases.jsonl``, the corpus and, if
    wanted, ``train.jsonl``. Nothing is written and no code of the golden set is run.

    Args:
        folder: the golden set's folder.
        version: corpus version to put in force; None for the header's.
        chunking: how to cut the corpus; None for the header's. Labels by document or quote are found
            again, whatever the cuts.

    Returns:
        The golden set: every case with its qrels and its reference at the version in force.

    Raises:
        GoldenSetError: anything is wrong; holds every problem, with file, line and field.
    """
    root = Path(folder)
    problems: list[Problem] = []
    if not root.is_dir():
        problems.append(Problem(str(root), None, None, "no such folder", "the folder of a golden set"))
        raise GoldenSetError(f"golden set {root}", problems)
    file = read_header(root, problems)
    header = file.header
    opened = open_documents(root, file, version, problems)
    corpus, resolver = _cut(opened, chunking or Chunking(**header.chunking.model_dump()), problems)
    versions = opened.versions
    cases = _read_cases(root, resolver, versions, corpus.version, problems)
    train = _read_train(root, cases, problems)
    if problems:
        ordered = sorted(problems, key=lambda problem: (problem.file, problem.line or 0))
        raise GoldenSetError(f"golden set {root}", ordered)
    return GoldenSet(
        name=header.name or root.resolve().name,
        cases=tuple(case for _, case in cases),
        corpus=corpus,
        fingerprint=_fingerprint(corpus, (case for _, case in cases)),
        path=root,
        train=train,
        description=header.description,
        licence=header.licence,
        versions=versions,
        defaults=header.defaults,
    )


def check_golden_set(folder: str | Path) -> GoldenSet:
    """Read a golden set at its header's corpus version and at every other one.

    Returns:
        The golden set at its header's version.

    Raises:
        GoldenSetError: anything is wrong at any version; holds every problem of all of them, each once.
    """
    problems: dict[Problem, None] = {}
    loaded: list[GoldenSet] = []
    for version in (None, *_versions(Path(folder))):
        try:
            loaded.append(load_golden_set(folder, version=version))
        except GoldenSetError as error:
            problems.update(dict.fromkeys(error.problems))
    if problems:
        raise GoldenSetError(f"golden set {folder}", list(problems))
    return loaded[0]


def _versions(root: Path) -> tuple[str, ...]:
    """The corpus versions of a golden set, which may be broken."""
    if not root.is_dir():
        return ()
    try:
        file = read_header(root, [])
        return open_documents(root, file, None, []).versions
    except GoldenSetError:
        return ()


def case_fingerprint(case: Case) -> str:
    """SHA-256 over everything a case holds, as 64 hexadecimal digits.

    Equal for equal cases however their file is formatted; labels count as the passages they mean.
    """
    return _hash(_content(case))


def _content(case: Case) -> dict[str, object]:
    return {
        "id": case.id,
        "question": case.question,
        "reference": case.reference,
        "aliases": case.aliases,
        "relevant": dict(case.relevant),
        "answerable": case.answerable,
        "tags": case.tags,
        "references": dict(case.references),
    }


def _hash(content: object) -> str:
    return hashlib.sha256(_CANONICAL.encode(content).encode("utf-8", "surrogatepass")).hexdigest()


def _fingerprint(corpus: Corpus, cases: Iterable[Case]) -> str:
    """SHA-256 over the corpus and every case; the order of the cases does not count."""
    return _hash([corpus.fingerprint, [_content(case) for case in sorted(cases, key=lambda case: case.id)]])


def _cut(opened: Opened, chunking: Chunking, problems: list[Problem]) -> tuple[Corpus, LabelResolver | None]:
    """The corpus, and what finds labels in it: None when not every document is known."""
    documents = opened.reading.documents
    passages = cut_documents(documents, chunking)
    corpus = Corpus(passages, documents, corpus_fingerprint(passages), opened.version)
    if not opened.is_complete:
        return corpus, None
    if not passages and not opened.reading.problems:
        problems.append(empty_corpus(opened.place))
    return corpus, LabelResolver(corpus, opened.versions, opened.reading.unreadable)


def _read_cases(
    root: Path,
    resolver: LabelResolver | None,
    versions: tuple[str, ...],
    version: str | None,
    problems: list[Problem],
) -> list[tuple[int, Case]]:
    """Every case with its line; those that are not as they should be become problems."""
    path, before = root / "cases.jsonl", len(problems)
    file = str(path)
    first: dict[str, int] = {}
    cases: list[tuple[int, Case]] = []
    for number, line in parse_lines(path, root, schema().CaseLine, problems):
        if (other := first.setdefault(line.id, number)) != number:
            expected = f"an id of its own; line {other} has it first"
            problems.append(Problem(file, number, "id", f"{line.id!r} again", expected))
        problems.extend(_contradictions(line, file, number, versions, is_known=resolver is not None))
        relevant = {}
        if resolver is not None and line.relevant:
            relevant = resolver.resolve(map(_label, line.relevant), file, number, problems)
        cases.append((number, _case(line, relevant, version)))
    if not cases and len(problems) == before:
        problems.append(Problem(file, None, None, "no case", "at least one case, a JSON object a line"))
    return cases


def _label(line: LabelLine) -> Label:
    versions = None if line.version is None else tuple(line.version)
    return Label(line.document, line.quote, line.grade, versions)


def _case(line: CaseLine, relevant: dict[str, int], version: str | None) -> Case:
    return Case(
        id=line.id,
        question=line.question,
        reference=line.references.get(version, line.reference) if version else line.reference,
        aliases=tuple(line.aliases),
        relevant=relevant,
        answerable=line.answerable,
        tags=tuple(line.tags),
        references=line.references,
    )


def _contradictions(
    line: CaseLine, file: str, number: int, versions: tuple[str, ...], *, is_known: bool
) -> list[Problem]:
    problems: list[Problem] = []
    if line.relevant and not line.answerable:
        found = "labels on a case that is not answerable"
        problems.append(Problem(file, number, "relevant", found, "no label, or an answerable case"))
    problems.extend(
        Problem(file, number, "references", *unknown_version(name, versions))
        for name in (line.references if is_known else ())
        if name not in versions
    )
    return problems


def _read_train(root: Path, cases: list[tuple[int, Case]], problems: list[Problem]) -> tuple[Example, ...]:
    """The training examples; a question that a case asks too is a problem, it would be learnt by heart."""
    path = root / "train.jsonl"
    if not path.exists() and not path.is_symlink():
        return ()
    asked = {_plain(case.question): (number, case.id) for number, case in reversed(cases)}
    examples = []
    for number, line in parse_lines(path, root, schema().ExampleLine, problems):
        if (same := asked.get(_plain(line.question))) is not None:
            expected = "a question of its own, training must not see golden questions"
            found = f"the question of case {same[1]!r} (cases.jsonl:{same[0]})"
            problems.append(Problem(str(path), number, "question", found, expected))
        examples.append(Example(line.question, line.answer))
    return tuple(examples)


def _plain(question: str) -> str:
    """The question without case, white space and punctuation; itself when nothing else is in it."""
    return _NO_WORD.sub("", question.casefold()) or question
