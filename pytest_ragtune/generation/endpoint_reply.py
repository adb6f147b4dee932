"""What a server's reply means: an answer, or a fault that names the setting to change."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pytest_ragtune.calls.backoff import Fault, retry_after
from pytest_ragtune.structured import mismatch, read_json

_SHOWN = 200  # characters of a server's own words in a message
_AGAIN = frozenset({408, 409, 425, 429})
_TOO_LONG = re.compile(
    r"context[ _]?(?:length|window|size)|maximum context|prompt is too long|too many tokens|token limit"
    r"|too large",
    re.IGNORECASE,
)
_NO_ROOM = re.compile(r"context[ _]?(?:length|window|size)|maximum context", re.IGNORECASE)
_UNKNOWN_MODEL = re.compile(r"(?:invalid|unknown|no such|not a valid) model", re.IGNORECASE)
_SETTINGS = ("response_format", "json_schema", "temperature", "top_p", "seed", "max_tokens", "stop")


@dataclass(frozen=True, slots=True)
class Reply:
    """A usable answer."""

    text: str
    """What the model wrote."""
    prompt_tokens: int | None
    """Tokens read, as the server counts; None when it does not say."""
    completion_tokens: int | None
    """Tokens written."""
    note: str = ""
    """That it was cut off, where it was and may be used all the same."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a reply is read against, and which settings a message may name."""

    model: str
    """Model name sent."""
    url: str
    """Address without user, password and query."""
    key_name: str
    """Environment variable of the key."""
    max_new_tokens: int
    """Longest answer."""
    response_format: Mapping[str, Any] | None = None
    """Shape that was asked for."""


def read_reply(body: str, content_type: str, asked: Asked) -> Reply:
    """The answer in the body of a reply with status 200.

    Raises:
        Fault: HTML, malformed JSON, no choice, no text, a refusal, an answer cut off or of the wrong shape.
    """
    if "html" in content_type.lower() or body.lstrip()[:1] == "<":
        raise Fault(
            f"{asked.url} answered with a web page, not JSON ({_short(body)}): "
            "change base_url to the API's address, which usually ends in /v1",
            again=True,
            everywhere=True,
        )
    try:
        value = json.loads(body)
        choices = value["choices"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise Fault(
            f"{asked.url} sent no chat completion ({type(error).__name__}: {_short(body)!r}); "
            "is base_url an OpenAI-compatible server?",
            again=True,
        ) from error
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        raise Fault(f"{asked.url} sent a completion without choices ({_short(body)!r})", again=True)
    usage = value.get("usage")
    read, written = (_count(usage, name) for name in ("prompt_tokens", "completion_tokens"))
    note = _cut_off(asked) if choices[0].get("finish_reason") == "length" else ""
    return Reply(_text(choices[0], asked), read, written, note)


def _cut_off(asked: Asked) -> str:
    return f"the answer was cut off at max_new_tokens={asked.max_new_tokens}: raise max_new_tokens"


def _text(choice: Mapping[str, Any], asked: Asked) -> str:
    message = choice.get("message")
    message = message if isinstance(message, dict) else {}
    text, ending = message.get("content"), choice.get("finish_reason")
    if message.get("refusal"):
        raise Fault(f"{asked.model} refused: {_short(str(message['refusal']))!r}")
    if ending == "content_filter":
        raise Fault("the server's content filter withheld the answer")
    if not isinstance(text, str):
        if ending == "length":
            raise Fault(_cut_off(asked))
        raise Fault(f"{asked.url} sent an answer without text ({_short(json.dumps(choice))})", again=True)
    if ending == "length" and (asked.response_format is not None or not text.strip()):
        raise Fault(_cut_off(asked))
    if asked.response_format is not None:
        _check_shape(text, asked.response_format, asked.url)
    return text


def _check_shape(text: str, response_format: Mapping[str, Any], url: str) -> None:
    kind = response_format.get("type")
    if kind not in ("json_object", "json_schema"):
        return
    try:
        value = read_json(text)
    except ValueError as error:
        raise Fault(
            f"the server at {url} ignored response_format: the answer is no JSON ({_short(text)!r}); "
            "use a server and model that support it, or set response_format=None"
        ) from error
    schema = (response_format.get("json_schema") or {}).get("schema") if kind == "json_schema" else None
    wrong = None if schema is None else mismatch(value, schema)
    if wrong:
        raise Fault(
            f"the server at {url} ignored the schema of response_format: {wrong}; "
            "use a server and model that support json_schema, or set response_format=None"
        )


def status_fault(status: int, headers: Mapping[str, str], body: str, asked: Asked) -> Fault:
    """The fault that a reply with an error status is."""
    said, code = _message(body)
    quote = f"{status}: {_short(said)!r}" if said else str(status)
    if status == 429 and "insufficient_quota" in code:
        return Fault(f"the quota of the key in {asked.key_name} is used up ({quote})", everywhere=True)
    if status < 400:
        todo = "change base_url to the address that answers itself"
        return Fault(f"{asked.url} redirects elsewhere ({status}): {todo}", everywhere=True)
    if status >= 500 and _NO_ROOM.search(said):
        return _refused(quote, said, code, asked)
    if status in _AGAIN or status >= 500:
        return Fault(f"{asked.url} answered {quote}", again=True, wait=retry_after(headers))
    if status == 401:
        todo = f"set the environment variable {asked.key_name} to a valid key"
        return Fault(f"{asked.url} does not accept the key ({quote}): {todo}", everywhere=True)
    if status == 403:
        todo = f"use a key in {asked.key_name} that may use {asked.model!r}, or change model"
        return Fault(f"{asked.url} denies access ({quote}): {todo}", everywhere=True)
    is_unknown = _UNKNOWN_MODEL.search(said) or "model_not_found" in code or "does not exist" in said
    if "model" in said.lower() and (status == 404 or is_unknown):
        todo = "change model to a name that the server lists under /models"
        return Fault(
            f"{asked.url} does not know the model {asked.model!r} ({quote}): {todo}", everywhere=True
        )
    if status in (404, 405):
        todo = "change base_url to the API's address, which usually ends in /v1"
        return Fault(f"{asked.url} offers no chat completions ({quote}): {todo}", everywhere=True)
    return _refused(quote, said, code, asked)


def _refused(quote: str, said: str, code: str, asked: Asked) -> Fault:
    """The request as it is does not please the server."""
    if _TOO_LONG.search(said) or "context_length" in code or quote.startswith("413"):
        return Fault(
            f"the prompt is longer than {asked.url} takes ({quote}): "
            "lower k, shorten the passages, or serve the model with a larger context"
        )
    named = next((name for name in _SETTINGS if name in said), None)
    if named in ("response_format", "json_schema"):
        return Fault(
            f"{asked.url} does not take the response_format ({quote}): set response_format=None or "
            "use a server that supports it",
            everywhere=True,
        )
    if named is not None:
        setting = "max_new_tokens" if named == "max_tokens" else named
        todo = "change" if named in ("max_tokens", "stop") else "pass None for"
        return Fault(f"{asked.url} does not take {named} ({quote}): {todo} {setting}", everywhere=True)
    return Fault(f"{asked.url} refused the request ({quote}): check model, extra and the prompt")


def _message(body: str) -> tuple[str, str]:
    """The words and the code of an error body, whatever its shape."""
    try:
        value = json.loads(body)
    except ValueError:
        return ("a web page" if body.lstrip()[:1] == "<" else body), ""
    error = value.get("error", value) if isinstance(value, dict) else value
    if not isinstance(error, dict):
        return str(error), ""
    said = error.get("message") or error.get("detail") or json.dumps(error)
    return str(said), f"{error.get('code')} {error.get('type')}"


def _count(usage: object, name: str) -> int | None:
    value = usage.get(name) if isinstance(usage, dict) else None
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _short(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= _SHOWN else f"{flat[: _SHOWN - 3]}..."
