"""An OpenAI-compatible server as a generator, against a server on loopback."""

from __future__ import annotations

import asyncio
import json
from typing import Any, ClassVar

import pytest

from pytest_ragtune.calls.backoff import Fault
from pytest_ragtune.errors import ModelError
from pytest_ragtune.generation.endpoint import EndpointGenerator
from pytest_ragtune.generation.endpoint_address import redact
from pytest_ragtune.generation.endpoint_reply import Asked, read_reply, status_fault
from pytest_ragtune.protocols import Generator
from pytest_ragtune.records import Prompt
from tests.servers.loopback import LoopbackServer, completion, prompt_of

pytest.importorskip("openai", reason="the extra 'endpoint' is not installed")

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"verdict": {"enum": ["yes", "no"]}},
    "required": ["verdict"],
    "additionalProperties": False,
}


@pytest.fixture(autouse=True)
def no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


def echo(request: dict[str, Any]) -> str:
    return f"answer to {prompt_of(request)}"


def prompts(n: int) -> list[Prompt]:
    return [Prompt(f"question {i}") for i in range(n)]


def test_asks_what_it_was_told_to_ask() -> None:
    with LoopbackServer(echo) as server:
        generator = EndpointGenerator(
            "m",
            base_url=server.url,
            temperature=0.5,
            top_p=0.9,
            seed=3,
            max_new_tokens=17,
            extra={"top_k": 2},
        )
        assert isinstance(generator, Generator)
        [got] = generator.generate([Prompt("why", system="be brief")])
        assert server.requests == [
            {
                "model": "m",
                "messages": [
                    {"role": "system", "content": "be brief"},
                    {"role": "user", "content": "why"},
                ],
                "max_tokens": 17,
                "temperature": 0.5,
                "top_p": 0.9,
                "seed": 3,
                "top_k": 2,
            }
        ]
    assert (got.text, got.prompt_tokens, got.completion_tokens, got.error) == ("answer to why", 1, 3, None)
    assert got.seconds is not None
    assert 0 < got.seconds < 5


def test_settings_of_none_are_left_to_the_server() -> None:
    with LoopbackServer(echo) as server:
        EndpointGenerator("m", base_url=server.url, temperature=None, top_p=None, seed=None).generate(
            prompts(1)
        )
        assert set(server.requests[0]) == {"model", "messages", "max_tokens"}


def test_a_server_that_takes_no_seed_is_sent_none_by_repeats_either() -> None:
    with LoopbackServer(echo) as server:
        EndpointGenerator("m", base_url=server.url, seed=None).with_seed(2).generate(prompts(1))
        EndpointGenerator("m", base_url=server.url, seed=3).with_seed(2).generate(prompts(1))
        assert [request.get("seed") for request in server.requests] == [None, 5]
        assert "seed" not in server.requests[0]


def test_an_answer_that_was_cut_off_says_so() -> None:
    with LoopbackServer(echo, faults=lambda request, n: "cut-off") as server:
        [cut] = EndpointGenerator("m", base_url=server.url, max_new_tokens=7).generate(prompts(1))
    assert cut.text
    assert cut.error is None
    assert cut.note == "the answer was cut off at max_new_tokens=7: raise max_new_tokens"


def test_order_is_kept_and_concurrency_is_bounded_and_used() -> None:
    with LoopbackServer(echo, latency=0.03) as server:
        got = EndpointGenerator("m", base_url=server.url, concurrency=5).generate(prompts(40))
        assert [g.text for g in got] == [f"answer to question {i}" for i in range(40)]
        assert server.most_busy == 5


def test_works_inside_a_running_loop_and_leaves_it_alone() -> None:
    with LoopbackServer(echo) as server:
        generator = EndpointGenerator("m", base_url=server.url)

        async def inside() -> list[str | None]:
            loop = asyncio.get_running_loop()
            texts = [g.text for g in generator.generate(prompts(3))]
            assert asyncio.get_running_loop() is loop
            return texts

        assert asyncio.run(inside()) == [f"answer to question {i}" for i in range(3)]


def test_plan_gives_batches_of_four_times_the_concurrency() -> None:
    generator = EndpointGenerator("m", base_url="http://localhost:1/v1", concurrency=3)
    assert [len(batch) for batch in generator.plan(prompts(30))] == [12, 12, 6]
    assert [i for batch in generator.plan(prompts(30)) for i in batch] == list(range(30))
    assert generator.plan([]) == []
    assert generator.generate([]) == []


def test_identity_holds_what_changes_an_answer_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-topsecret")

    def identity(**changes: Any) -> str:
        settings: dict[str, Any] = {"model": "m", "base_url": "https://user:pw@host:81/v1?key=1"}
        return EndpointGenerator(**(settings | changes)).identity

    plain = identity()
    assert json.loads(plain)["url"] == "host:81/v1"
    for change in (
        {"model": "other"}, {"base_url": "https://host:82/v1"}, {"temperature": 1.0}, {"top_p": 0.5},
        {"seed": 1}, {"max_new_tokens": 5}, {"response_format": {"type": "json_object"}},
        {"extra": {"top_k": 1}},
    ):  # fmt: skip
        assert identity(**change) != plain, change
    for change in (
        {"concurrency": 2},
        {"timeout": 5.0},
        {"deadline": 9.0},
        {"retries": 0},
        {"api_key_env": "K"},
    ):
        assert identity(**change) == plain, change
    shown = plain + repr(EndpointGenerator("m", base_url="https://user:pw@host:81/v1?key=1"))
    assert not [secret for secret in ("sk-topsecret", "user", "pw@", "key=1") if secret in shown]


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        ({"model": ""}, "model is empty"),
        ({"base_url": "localhost:8000"}, "base_url is 'localhost:8000'.*http://localhost:8000/v1"),
        ({"base_url": "http://[oops/v1"}, "base_url"),
        ({"concurrency": 0}, "concurrency is 0"),
        ({"timeout": 0}, "timeout is 0"),
        ({"deadline": -1}, "deadline is -1"),
        ({"retries": -1}, "retries is -1"),
        ({"max_new_tokens": 0}, "max_new_tokens is 0"),
        ({"max_new_tokens": "5"}, "max_new_tokens is '5'"),
        ({"concurrency": None}, "concurrency is None"),
        ({"concurrency": 2.5}, "concurrency is 2.5"),
        ({"timeout": "9"}, "timeout is '9'"),
        ({"temperature": "hot"}, "temperature is 'hot': expected a number from 0, or None"),
        ({"temperature": float("nan")}, "temperature is nan"),
        ({"top_p": 7}, "top_p is 7: expected a number from 0 to 1"),
        ({"seed": 1.5}, "seed is 1.5"),
        ({"extra": [1]}, r"extra is \[1\]: expected a dictionary"),
        ({"extra": {"a": object()}}, "extra cannot be sent as JSON"),
        ({"response_format": "json"}, "response_format is 'json': expected a dictionary"),
        ({"base_url": 17}, "base_url is '17'"),
        ({"base_url": "http://local\nhost/v1"}, "base_url is "),
    ],
)
def test_a_wrong_setting_is_named(settings: dict[str, Any], names: str) -> None:
    with pytest.raises(ModelError, match=names):
        EndpointGenerator(**({"model": "m"} | settings))


def test_no_key_is_an_error_that_names_the_variable() -> None:
    with pytest.raises(ModelError, match=r"MY_KEY holds no key for https://example\.org/v1: set it"):
        EndpointGenerator("m", base_url="https://example.org/v1", api_key_env="MY_KEY").generate(prompts(1))


def test_a_key_is_sent_but_shown_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", "verysecret-1234")
    with LoopbackServer(echo, key="another") as server:
        generator = EndpointGenerator("m", base_url=server.url, api_key_env="MY_KEY")
        [got] = generator.generate(prompts(1))
        assert server.keys == ["verysecret-1234"]
    assert got.text is None
    assert got.error is not None
    assert "set the environment variable MY_KEY to a valid key" in got.error
    assert "verysecret" not in got.error + repr(generator) + generator.identity + repr(vars(generator))


def test_a_key_that_cannot_be_sent_is_not_shown_either(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", "very\nsecret\nkey")
    generator = EndpointGenerator("m", base_url="http://127.0.0.1:9/v1", api_key_env="MY_KEY", retries=0)
    with pytest.raises(ModelError, match="MY_KEY has characters that no key has") as caught:
        generator.generate(prompts(1))
    assert "secret" not in str(caught.value)


def test_redaction_also_takes_what_looks_like_a_key() -> None:
    assert redact("bad sk-abc***xyz and hunter22", "hunter22") == "bad [key] and [key]"


def test_a_server_on_loopback_needs_no_key_and_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "")
    with LoopbackServer(echo) as server:
        assert EndpointGenerator("m", base_url=server.url).generate(prompts(1))[0].error is None
        assert server.keys == ["none"]


def test_the_address_comes_from_the_environment_when_none_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    with LoopbackServer(echo) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        assert EndpointGenerator("m").generate(prompts(1))[0].text == "answer to question 0"


@pytest.mark.parametrize(
    ("server", "message"),
    [
        (LoopbackServer(echo, models=("big",)), "does not know the model 'm'.*change model"),
        (LoopbackServer(echo, faults=lambda _, n: "html"), "web page.*change base_url"),
    ],
    ids=["model", "html"],
)
def test_a_failure_that_meets_every_prompt_ends_the_round(server: LoopbackServer, message: str) -> None:
    with server:
        got = EndpointGenerator("m", base_url=server.url, concurrency=4).generate(prompts(200))
        assert len(server.requests) <= 4 * 3
    assert [g.text for g in got] == [None] * 200
    assert got[-1].error is not None
    assert got[-1].error.startswith("not asked, since an earlier call failed: ")
    with pytest.raises(AssertionError, match=message):
        raise AssertionError(got[-1].error)


def test_what_an_address_asks_for_is_sent_and_shown_nowhere() -> None:
    class Refusing(LoopbackServer):
        paths: ClassVar[list[str]] = []

        async def _answer(self, path: str, headers: dict[str, str], request: Any, writer: Any) -> bool:
            self.paths.append(path)
            said = f"no route for {path} with {headers['authorization']}"
            return await self._send(writer, 400, json.dumps({"error": {"message": said}}))

    with Refusing(echo) as server:
        address = f" {server.url.replace('//', '//anna:private77@')}/?code=secret88#part\n"
        generator = EndpointGenerator("m", base_url=address)
        [got] = generator.generate(prompts(1))
    assert Refusing.paths == ["/v1/chat/completions?code=secret88"]
    shown = f"{got.error} {generator!r} {generator.identity} {vars(generator)}"
    assert "no route for /v1/chat/completions?code=[key]" in shown
    assert not [secret for secret in ("private77", "secret88", "anna") if secret in shown]


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    class Redirecting(LoopbackServer):
        async def _send(
            self, writer: Any, status_: int, text: str, headers: str = "", kind: str = ""
        ) -> bool:
            return await super()._send(writer, status, "", f"Location: {other.url}/chat/completions\r\n")

    with LoopbackServer(echo) as other, Redirecting(echo) as server:
        got = EndpointGenerator("m", base_url=server.url, concurrency=1).generate(prompts(3))
        assert other.requests == []
        assert len(server.requests) == 1
    assert f"{server.url} redirects elsewhere ({status}): change base_url" in str(got[0].error)


def test_an_answer_that_repeats_the_key_is_kept_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINE", "verysecret-1234")
    with LoopbackServer(lambda request: "you sent verysecret-1234") as server:
        [got] = EndpointGenerator("m", base_url=server.url, api_key_env="MINE").generate(prompts(1))
    assert got.text == "you sent [key]"


@pytest.mark.parametrize(
    ("status", "said", "message"),
    [
        (500, "context size exceeded", "the prompt is longer than .*lower k"),
        (400, "m is not a valid model ID", "does not know the model 'm'.*change model"),
        (400, "Unknown model: m", "does not know the model 'm'.*change model"),
        (400, "'response_format' is not supported with this model", "does not take the response_format"),
        (400, "Unrecognized request argument supplied: seed", "does not take seed"),
        (422, '[{"loc": ["body", "seed"], "msg": "Extra inputs are not permitted"}]', "pass None for seed"),
    ],
)
def test_the_words_of_servers_name_the_setting(status: int, said: str, message: str) -> None:
    fault = status_fault(status, {}, json.dumps({"error": {"message": said}}), Asked("m", "http://u", "K", 9))
    assert not fault.again
    with pytest.raises(AssertionError, match=message):
        raise AssertionError(fault.message)


def test_json_nested_beyond_reading_is_asked_again() -> None:
    with pytest.raises(Fault, match="sent no chat completion") as caught:
        read_reply("[" * 100_000, "application/json", Asked("m", "http://u", "K", 9))
    assert caught.value.again


def test_an_address_without_its_path_names_base_url() -> None:
    with LoopbackServer(echo) as server:
        [got] = EndpointGenerator("m", base_url=server.url.removesuffix("/v1")).generate(prompts(1))
    assert got.error is not None
    assert "change base_url to the API's address, which usually ends in /v1" in got.error


def test_nothing_listening_names_base_url() -> None:
    with LoopbackServer(echo) as server:
        url = server.url
    got = EndpointGenerator("m", base_url=url).generate(prompts(50))
    assert all("base_url" in str(g.error) and g.text is None for g in got)


def test_a_prompt_too_long_fails_alone() -> None:
    with LoopbackServer(echo, window=20) as server:
        got = EndpointGenerator("m", base_url=server.url).generate([Prompt("short"), Prompt("long " * 9)])
    assert got[0].text == "answer to short"
    assert got[1].text is None
    assert "lower k, shorten the passages" in str(got[1].error)


def test_a_server_that_comes_back_is_asked_again() -> None:
    is_down = [True]
    with LoopbackServer(echo, faults=lambda _, n: "500" if is_down[0] else None) as server:
        generator = EndpointGenerator("m", base_url=server.url, retries=0, concurrency=2)
        got = generator.generate(prompts(30))
        assert all(g.error for g in got)
        assert len(server.requests) < 10
        assert all(g.error for g in generator.generate(prompts(30)))
        is_down[0] = False
        assert not [g.error for g in generator.generate(prompts(30)) if g.error]


def test_an_answer_of_the_wrong_shape_names_response_format() -> None:
    with LoopbackServer(lambda r: "Sure! " + echo(r)) as server:
        [got] = EndpointGenerator("m", base_url=server.url).with_schema(SCHEMA).generate(prompts(1))
        sent = server.requests[0]["response_format"]
    assert sent == {
        "type": "json_schema",
        "json_schema": {"name": "answer", "strict": True, "schema": SCHEMA},
    }
    assert "ignored response_format" in str(got.error)
    with LoopbackServer(lambda _: '{"verdict": "perhaps"}') as server:
        [got] = EndpointGenerator("m", base_url=server.url).with_schema(SCHEMA).generate(prompts(1))
    assert "'verdict' is \"perhaps\", expected one of ['yes', 'no']" in str(got.error)
    with LoopbackServer(lambda _: '```json\n{"verdict": "yes"}\n```') as server:
        [got] = EndpointGenerator("m", base_url=server.url).with_schema(SCHEMA).generate(prompts(1))
    assert got.error is None


def test_a_newer_server_is_asked_for_its_own_length_field() -> None:
    class Newer(LoopbackServer):
        def _refusal(self, request: dict[str, Any]) -> tuple[int, str] | None:
            if "max_tokens" not in request:
                return None
            said = "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."
            return 400, json.dumps({"error": {"message": said}})

    with Newer(echo) as server:
        got = EndpointGenerator("m", base_url=server.url, concurrency=1).generate(prompts(5))
        assert not [g.error for g in got if g.error]
        assert len(server.requests) == 6


def test_deadline_ends_a_round_and_keeps_what_is_done() -> None:
    with LoopbackServer(echo, faults=lambda r, _: "hang" if "1" in prompt_of(r) else None) as server:
        got = EndpointGenerator("m", base_url=server.url, deadline=2.0).generate(prompts(3))
    assert [g.text for g in got] == ["answer to question 0", None, "answer to question 2"]
    assert "raise deadline" in str(got[1].error)


def test_a_wait_beyond_two_minutes_is_an_error_at_once() -> None:
    class Spent(LoopbackServer):
        def _refusal(self, request: dict[str, Any]) -> tuple[int, str] | None:
            return None

        async def _send(self, writer: Any, status: int, text: str, headers: str = "", kind: str = "") -> bool:
            return await super()._send(writer, 429, "{}", "Retry-After: 9999\r\n")

    with Spent(echo) as server:
        got = EndpointGenerator("m", base_url=server.url, concurrency=2).generate(prompts(20))
        assert len(server.requests) <= 2
    assert "the server asks to wait 9999 s: run again later" in str(got[0].error)


def test_the_wait_that_a_server_asks_for_holds_for_every_request() -> None:
    with LoopbackServer(echo, faults=lambda r, n: "429" if n == 0 else None) as server:
        EndpointGenerator("m", base_url=server.url, concurrency=4).generate(prompts(4))
        first, second = server.arrivals[:4], server.arrivals[4:]
        assert len(second) == 4
        assert min(second) - max(first) >= 0.04


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"refusal": "I cannot"}, "refused: 'I cannot'"),
        ({"content": None}, "without text"),
        ({"content": ["part"]}, "without text"),
    ],
)
def test_a_message_without_text_is_an_error(change: dict[str, Any], message: str) -> None:
    value = completion("x", {"model": "m", "messages": [{"content": "q"}]})
    value["choices"][0]["message"] |= change
    with pytest.raises(Fault, match=message):
        read_reply(json.dumps(value), "application/json", Asked("m", "http://u", "K", 9))


def test_an_answer_cut_off_without_text_names_max_new_tokens() -> None:
    value = completion("", {"model": "m", "messages": [{"content": "q"}]}, "length")
    with pytest.raises(Fault, match="cut off at max_new_tokens=9: raise max_new_tokens"):
        read_reply(json.dumps(value), "application/json", Asked("m", "http://u", "K", 9))


def test_prompts_that_cannot_be_sent_are_errors_and_others_go_on() -> None:
    with LoopbackServer(echo) as server:
        got = EndpointGenerator("m", base_url=server.url).generate([Prompt("lone \ud800"), Prompt("fine")])
    assert got[0].text is None
    assert got[0].error
    assert got[1].text == "answer to fine"
