"""The shapes of the files that people write, as pydantic models.

Imported by :mod:`pytest_ragtune.corpus.files` when a file is read, never earlier: pydantic costs
more to import than a pytest run that does not use it should pay.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

from pytest_ragtune.records.golden import MAX_GRADE

Text = Annotated[str, StringConstraints(pattern=r"[^\s\p{Cc}\p{Cf}]")]
"""A string that shows something: not only white space and characters without a width."""
NAME = r"^[^\s\p{Cc}](?:[^\p{Cc}\p{Zl}\p{Zp}]*[^\s\p{Cc}])?$"
Name = Annotated[str, StringConstraints(pattern=NAME)]
"""A string that is shown in one line and typed in a command, such as an id."""


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _as_label(value: Any) -> Any:
    return {"document": value} if isinstance(value, str) else value


class Strict(BaseModel):
    """No unknown field, no silent conversion."""

    model_config = ConfigDict(extra="forbid", strict=True)


class LabelLine(Strict):
    """One entry of ``relevant``."""

    document: Text
    """A document's name or, without ``quote``, a passage's id."""
    quote: Text | None = None
    """Words of the document that hold the answer."""
    grade: Annotated[int, Field(ge=1, le=MAX_GRADE)] = 1
    """How relevant."""
    version: Annotated[list[Text], BeforeValidator(_as_list)] | None = None
    """Corpus versions that the label holds in; None for all."""


class CaseLine(Strict):
    """One line of ``cases.jsonl``."""

    id: Name
    """Unique in the file."""
    question: Text
    """What is asked."""
    reference: Text | None = None
    """A correct answer."""
    aliases: list[Text] = Field(default_factory=list)
    """Other wordings of it."""
    relevant: list[Annotated[LabelLine, BeforeValidator(_as_label)]] = Field(default_factory=list)
    """The labels."""
    answerable: bool = True
    """False when the corpus does not hold the answer."""
    tags: list[Text] = Field(default_factory=list)
    """Words to select by."""
    references: dict[str, Text] = Field(default_factory=dict)
    """Corpus version -> the reference at that version."""


class ExampleLine(Strict):
    """One line of ``train.jsonl``."""

    question: Text
    """What is asked."""
    answer: Text
    """What the model should learn to say."""


class DocumentLine(Strict):
    """One line of ``corpus.jsonl``."""

    id: Name | None = None
    """The document's name."""
    document: Name | None = None
    """The document's name, under its other key."""
    text: str
    """The whole text."""

    @model_validator(mode="after")
    def _has_one_name(self) -> DocumentLine:
        if (self.id is None) == (self.document is None):
            raise ValueError("exactly one of 'id' and 'document', the document's name")
        return self


class CorpusTable(Strict):
    """``[corpus]`` of the header."""

    folder: Text | None = None
    """Folder of the documents, relative to the golden set's."""
    version: Text | None = None
    """Version in force when none is asked for."""
    module: Text | None = None
    """Module that holds the documents as a dictionary literal, instead of a folder."""
    attribute: Text | None = None
    """Name that the dictionary is assigned to."""

    @model_validator(mode="after")
    def _has_one_source(self) -> CorpusTable:
        if (self.module is None) != (self.attribute is None):
            raise ValueError("'module' and 'attribute' together")
        if self.module is not None and (self.folder is not None or self.version is not None):
            raise ValueError("'folder' (with or without 'version') or 'module', not both")
        return self


class ChunkingTable(Strict):
    """``[chunking]`` of the header."""

    by: Literal["heading", "window"] = "heading"
    """How documents are cut."""
    max_words: int = 120
    """Most words in a passage."""
    overlap: int = 0
    """Words that windows share."""


class Header(Strict):
    """``golden_set.toml``."""

    schema_number: Literal[1] = Field(alias="schema")
    """Version of the format."""
    name: Text | None = None
    """Name; None for the folder's."""
    description: str = ""
    """What it is, in a sentence or two."""
    licence: str = ""
    """SPDX name."""
    corpus: CorpusTable = CorpusTable()
    """Where the documents are."""
    chunking: ChunkingTable = ChunkingTable()
    """How they are cut."""
    defaults: dict[str, Any] = Field(default_factory=dict)
    """Free keys for pipelines."""
