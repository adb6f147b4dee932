"""Keeps secrets out of records and reports: API keys, bearer tokens, private keys, passwords."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from .records import Claim, Passage, Response, Score

REDACTED = "[redacted]"
"""What stands where a secret stood."""
_SHAPES = re.compile(
    r"""
    \b(?:
      sk-(?:ant-|proj-|or-|svcacct-)?[A-Za-z0-9_-]{16,}     # OpenAI, Anthropic, OpenRouter
    | (?:gh[pousr]_|github_pat_)[A-Za-z0-9_]{20,}           # GitHub
    | glpat-[A-Za-z0-9_-]{16,}                              # GitLab
    | hf_[A-Za-z0-9]{20,}                                   # Hugging Face
    | (?:AKIA|ASIA)[A-Z0-9]{16}                             # AWS
    | AIza[A-Za-z0-9_-]{30,}                                # Google
    | xox[abeprs]-[A-Za-z0-9-]{10,}                         # Slack
    | eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+  # JSON web token
    )
    | (?<=\bBearer\ )[A-Za-z0-9._~+/=-]{12,}
    | (?<=\bbearer\ )[A-Za-z0-9._~+/=-]{12,}
    | (?<=://)[^/\s:@"']+:[^/\s@"']+(?=@)                    # user and password of an address
    | -----BEGIN\ [A-Z ]*PRIVATE\ KEY-----(?:[^-]|-(?!----END))*(?:-----END\ [A-Z ]*PRIVATE\ KEY-----)?
    """,
    re.VERBOSE,
)
_NAMED = re.compile(
    r"""
    ( \b(?: (?:proxy-)?authorization | (?:x-)?(?:goog-)?api[-_]?key | access[-_]?token | client[-_]?secret )
      ["'\\]* \s* [:=] \s* ["'\\]* (?: (?:basic|bearer|token) \s+ | (?=[^\s"'\\,;&]*[0-9]) ) )
    [^\s"'\\,;&]{8,}
    """,
    re.VERBOSE | re.IGNORECASE,
)  # a header, a field or a part of an address that holds a secret of any shape: a scheme or a digit tells
_SIGNS = (
    "sk-", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "hf_", "AKIA", "ASIA", "AIza",
    "xox", "eyJ", "Bearer ", "bearer ", "PRIVATE KEY", "://",
)  # fmt: skip
"""Each of the shapes holds one of these, which are found much faster."""
_NAMED_SIGNS = ("authorization", "api", "token", "secret")
_NAMES = re.compile(
    r"(?:^|_)(?:API_?KEY|KEY|TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIALS?)(?:$|_)", re.I
)
_SHORTEST = 8  # a shorter value is as likely a word
_KNOWN: dict[str, tuple[dict[Any, Any], tuple[str, ...]]] = {}


def redact(text: str) -> str:
    """The text with everything that looks like a secret replaced by ``[redacted]``.

    Secrets are recognised by their shape (prefixes of well-known services, bearer tokens, JSON web
    tokens, private keys, users and passwords in addresses), by the header or field that they stand in
    (``Authorization: ...``, ``"api_key": "..."``), or because an environment variable with a name such as
    ``..._API_KEY``, ``..._TOKEN`` or ``..._PASSWORD`` holds them.
    """
    for sign in _SIGNS:
        if sign in text:
            text = _SHAPES.sub(REDACTED, text)
            break
    lowered = text.lower()
    for sign in _NAMED_SIGNS:
        if sign in lowered:
            text = _NAMED.sub(rf"\1{REDACTED}", text)
            break
    for value in _environment():
        if value in text:
            text = text.replace(value, REDACTED)
    return text


def redact_json(text: str) -> str:
    """A text that is JSON without secrets; still JSON, whatever was replaced."""
    if redact(text) == text:
        return text
    return json.dumps(redact_value(json.loads(text)), ensure_ascii=False, sort_keys=True)


def redact_value(value: Any) -> Any:
    """A JSON value with every text in it redacted, keys of objects included."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, Mapping):
        return {redact(str(key)): redact_value(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [redact_value(item) for item in value]
    return value


def redact_response(response: Response) -> Response:
    """The response as it may be recorded, scored and shown: its texts and its contexts' redacted."""
    text, note = response.text, response.note
    error = response.error
    contexts = _redact_passages(response.contexts)
    clean = (
        None if text is None else redact(text),
        None if error is None else redact(error),
        redact(note) if note else note,
    )
    if clean == (text, error, note) and contexts is response.contexts:
        return response
    return replace(response, text=clean[0], error=clean[1], note=clean[2], contexts=contexts)


def redact_score(score: Score) -> Score:
    """The score with its reason and claims redacted."""
    whole = "\0".join([score.reason, *(text for c in score.claims for text in (c.text, c.evidence))])
    if redact(whole) is whole:
        return score
    reason = redact(score.reason)
    claims = tuple(
        Claim(redact(c.text), c.probability, c.passage_id, redact(c.evidence)) for c in score.claims
    )
    if reason == score.reason and claims == score.claims:
        return score
    return replace(score, reason=reason, claims=claims)


@cache
def _redact_passage(passage: Passage) -> Passage:
    text, heading = redact(passage.text), redact(passage.heading)
    if (text, heading) == (passage.text, passage.heading):
        return passage
    return replace(passage, text=text, heading=heading)


def _redact_passages(passages: tuple[Passage, ...]) -> tuple[Passage, ...]:
    clean = tuple(map(_redact_passage, passages))
    return passages if all(new is old for new, old in zip(clean, passages, strict=True)) else clean


def _environment() -> tuple[str, ...]:
    """Values of environment variables that look like secrets, longest first; read again when one changes."""
    now = getattr(os.environ, "_data", os.environ)  # the raw mapping: compared in a microsecond
    known = _KNOWN.get("environment")
    if known is None or known[0] != now:
        values = {os.environ[os.fsdecode(name)].strip() for name in now if _is_secret_name(name)}
        secrets = set(filter(_looks_secret, values))
        secrets |= {json.dumps(value, ensure_ascii=False)[1:-1] for value in secrets}  # as JSON holds it
        found = sorted(secrets, key=lambda value: (-len(value), value))
        known = _KNOWN["environment"] = (dict(now), tuple(found))
    return known[1]


@cache
def _is_secret_name(name: str | bytes) -> bool:
    return _NAMES.search(os.fsdecode(name)) is not None


def _looks_secret(value: str) -> bool:
    if len(value) < _SHORTEST or any(character.isspace() for character in value):
        return False
    is_place = value[0] in "/~." or "://" in value
    return not is_place and not (value.isalpha() and (value.islower() or value.isupper()))
