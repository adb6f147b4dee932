from __future__ import annotations

import json

import pytest

from pytest_ragtune.recording import ContextDigests, response_records
from pytest_ragtune.records import Case, Claim, Passage, Response, Score
from pytest_ragtune.redaction import (
    REDACTED,
    redact,
    redact_json,
    redact_response,
    redact_score,
    redact_value,
)
from pytest_ragtune.session import Session
from pytest_ragtune.store import Record, Store, canonical

# Put together here, so that no scanner takes this file for a leak.
KEYS = [
    "sk-" + "proj-abcdefghij0123456789",
    "sk-" + "ant-abcdefghij0123456789",
    "ghp_" + "0123456789abcdefghijABCDEFGHIJ",
    "hf_" + "abcdefghijklmnopqrstuvwx",
    "AKIA" + "ABCDEFGHIJKLMNOP",
    "AIza" + "SyA0123456789abcdefghijklmnopqrstuv",
    "xoxb-" + "123456789012-abcdef",
    "eyJ" + "hbGciOiJIUzI1NiJ9.eyJ" + "zdWIiOiIxMjM0In0.c2lnbmF0dXJl",
]


@pytest.mark.parametrize("key", KEYS)
def test_a_key_of_a_known_shape_goes_and_the_rest_stays(key: str) -> None:
    assert redact(f"Incorrect API key provided: {key}. Try again.") == (
        f"Incorrect API key provided: {REDACTED}. Try again."
    )


def test_bearer_tokens_and_private_keys() -> None:
    assert redact("Authorization: Bearer abc.def-0123456789") == f"Authorization: Bearer {REDACTED}"
    block = "-----BEGIN RSA " + "PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----"
    assert redact(f"a {block} b") == f"a {REDACTED} b"


def test_the_environment_says_what_is_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_API_KEY", "tulip-42-garden")
    monkeypatch.setenv("DB_PASSWORD", "Xyzzy-plugh")
    assert redact("tulip-42-garden and Xyzzy-plugh") == f"{REDACTED} and {REDACTED}"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("KEYBOARD", "querty-1234"),
        ("MY_TOKEN", "short"),
        ("SSH_KEY", "/home/me/key"),
        ("AUTH_TOKEN", "disabled"),
    ],
)
def test_ordinary_words_are_no_secrets(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    assert redact(f"the value is {value} here") == f"the value is {value} here"


@pytest.mark.parametrize(
    "text", ["The bearer of this card may enter.", "task-force-of-the-whole-town", "A key costs 5 euros."]
)
def test_prose_stays(text: str) -> None:
    assert redact(text) is text


def test_everything_in_a_value() -> None:
    assert redact_value({"a": [KEYS[0], 1, None], KEYS[1]: {"b": KEYS[2]}}) == {
        "a": [REDACTED, 1, None],
        REDACTED: {"b": REDACTED},
    }


def test_a_response_and_a_score() -> None:
    passage = Passage("p", f"key {KEYS[0]}")
    dirty = Response(f"it is {KEYS[0]}", (passage,), error=None, note=KEYS[1])
    clean = redact_response(dirty)
    assert (clean.text, clean.contexts[0].text, clean.note) == (
        f"it is {REDACTED}",
        f"key {REDACTED}",
        REDACTED,
    )
    fine = Response("it is fine", (Passage("p", "text"),))
    assert redact_response(fine) is fine
    score = Score(None, f"401: {KEYS[2]}", (Claim(KEYS[0], None, None, KEYS[1]),))
    assert KEYS[0] not in repr(redact_score(score))
    assert KEYS[2] not in repr(redact_score(score))


def test_no_secret_reaches_the_store(monkeypatch: pytest.MonkeyPatch) -> None:
    from pytest_ragtune.application import CallablePipeline

    def leaks(question: str) -> str:
        return f"Sure, the key is {KEYS[0]}."

    store = Store()
    outcome = Session(store).ask(
        CallablePipeline(leaks, version=f"1 {KEYS[1]}"), [Case("a", f"What? {KEYS[2]}")]
    )
    assert outcome.responses[0].text == f"Sure, the key is {REDACTED}."
    written = canonical([[dict(r.parts), r.value] for r in store.records("response")])
    assert "Sure" in written
    assert not [key for key in KEYS if key in written]
    again = Session(store).ask(
        CallablePipeline(leaks, version=f"1 {KEYS[1]}"), [Case("a", f"What? {KEYS[2]}")]
    )
    assert again.replayed == 1


def test_records_made_elsewhere_are_redacted_when_written() -> None:
    store = Store()
    response = Response(f"it is {KEYS[3]}", case=Case("a", "b"))
    store.put(response_records("pipeline", [response], ContextDigests()))
    assert KEYS[3] not in canonical([r.value for r in store.records("response")])


def test_a_secret_in_one_record_of_many_leaves_the_others_as_they_are() -> None:
    store = Store()
    texts = ["it is", KEYS[3], "Authorization:", "tulip-42-garden", "fine"]
    store.put([Record.of("response", {"n": n}, {"text": text}) for n, text in enumerate(texts)])
    found = {record.parts["n"]: record.value["text"] for record in store.records("response")}
    assert found == dict(enumerate(["it is", REDACTED, "Authorization:", "tulip-42-garden", "fine"]))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Authorization: Basic dXNlcjpwYXNzMTIz", "Authorization: Basic [redacted]"),
        ("authorization=Token tulip42garden", "authorization=Token [redacted]"),
        ("{'x-api-key': 'tulip-42-garden'}", "{'x-api-key': '[redacted]'}"),
        ('{"api_key": "tulip-42-garden", "k": 5}', '{"api_key": "[redacted]", "k": 5}'),
        (r'"{\"api_key\": \"tulip-42-garden\"}"', r'"{\"api_key\": \"[redacted]\"}"'),
        ("GET /v1?api_key=tulip-42-garden&k=5", "GET /v1?api_key=[redacted]&k=5"),
        ("https://ann:tulip-garden@host/v1 failed", "https://[redacted]@host/v1 failed"),
    ],
)
def test_headers_fields_and_addresses(text: str, expected: str) -> None:
    assert redact(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "API key: generated automatically on the page.",
        "Authorization: required for room 5.",
        "The access token is valid for 15 minutes.",
        "Write to https://host/a:b and mail ann@host",
    ],
)
def test_prose_about_keys_stays(text: str) -> None:
    assert redact(text) is text


def test_a_secret_that_json_escapes(monkeypatch: pytest.MonkeyPatch) -> None:
    secret = 'tu"lip\\42'
    monkeypatch.setenv("SHOP_PASSWORD", secret)
    store = Store()
    response = Response(f"it is {secret}.", case=Case("a", "b"))
    store.put(response_records("pipeline", [response], ContextDigests()))
    [record] = store.records("response")
    assert record.value["text"] == f"it is {REDACTED}."


def test_json_stays_json() -> None:
    cut = "-----BEGIN " + "PRIVATE KEY-----\nMIIE"  # cut off: everything after it is taken for the key
    clean = json.loads(redact_json(canonical({"a": cut, "b": f"sound {KEYS[0]}", "c": 1})))
    assert clean == {"a": REDACTED, "b": f"sound {REDACTED}", "c": 1}
    assert redact_json('{"a":1}') == '{"a":1}'
