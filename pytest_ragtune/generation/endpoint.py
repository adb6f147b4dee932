"""Any OpenAI-compatible server as a generator."""

from __future__ import annotations

import copy
import json
import os
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from pytest_ragtune import extras
from pytest_ragtune.calls.asking import Ask
from pytest_ragtune.calls.backoff import Fault
from pytest_ragtune.calls.flight import Flight, Health, Limits
from pytest_ragtune.calls.running import kept, run
from pytest_ragtune.errors import ModelError
from pytest_ragtune.records import Generation, Prompt

from .endpoint_address import connection_fault, read_address, redact
from .endpoint_checks import check_fields, check_sampling
from .endpoint_reply import Asked, Reply, read_reply, status_fault

OPENAI_URL = "https://api.openai.com/v1"
REQUEST = 1
"""Version of the request: raised when a change here could change an answer."""
_BATCHES_OF_CONCURRENCY = 4
_SHORTEST_KEY = 8  # a shorter one is as likely a word of the answer

Question = tuple["EndpointGenerator", Prompt]
"""A prompt, and the generator whose settings it is asked with."""


class EndpointGenerator:
    """Answers prompts with the chat completions of an OpenAI-compatible server.

    Prompts are asked concurrently; rate limits, server errors, broken connections and slow answers are
    repeated with back-off, and a server that asks to wait is waited for. A prompt that fails for good gives a
    generation with ``error``, and the others go on. A failure that every prompt would meet (key, address,
    model name) ends the round: the prompts left get the same error without being asked.

    Args:
        model: name of the model, as the server knows it.
        base_url: the API's address, which usually ends in ``/v1``; the environment variable
            ``OPENAI_BASE_URL`` or OpenAI's own unless given.
        api_key_env: name of the environment variable that holds the key. A server on this machine needs none.
        temperature: 0 for the most probable answer; None leaves it to the server.
        top_p: probability mass that is drawn from.
        seed: asked of the server; None where it does not take one, also when answers are repeated.
        max_new_tokens: longest answer, in tokens.
        concurrency: most requests at once.
        timeout: seconds that one request may take, its whole answer included.
        deadline: seconds that one call of :meth:`generate` may take; None for no limit.
        retries: repetitions of a request that may succeed later.
        response_format: shape of the answer, as the API takes it (``{"type": "json_schema", ...}``). An
            answer of another shape is an error.
        extra: further fields of the request's body.

    Raises:
        ModelError: a setting is out of range, or ``base_url`` is no web address.
    """

    def __init__(
        self,
        model: str,
        *,
        base_url: str | None = None,
        api_key_env: str = "OPENAI_API_KEY",
        temperature: float | None = 0.0,
        top_p: float | None = 1.0,
        seed: int | None = 0,
        max_new_tokens: int = 256,
        concurrency: int = 8,
        timeout: float = 60.0,
        deadline: float | None = None,
        retries: int = 6,
        response_format: Mapping[str, Any] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        if not model:
            raise ModelError("model is empty: expected a name that the server knows")
        self.model, self.api_key_env = model, api_key_env
        self._address = read_address(base_url or os.environ.get("OPENAI_BASE_URL") or OPENAI_URL)
        self.url = self._address.shown
        check_sampling(temperature, top_p, seed, max_new_tokens)
        check_fields(response_format=response_format, extra=extra)
        self.temperature, self.top_p, self.seed = temperature, top_p, seed
        self.max_new_tokens = max_new_tokens
        self.response_format = None if response_format is None else dict(response_format)
        self.extra = dict(extra or {})
        try:
            self.limits = Limits(concurrency, timeout, deadline, retries)
        except ValueError as error:
            raise ModelError(f"{error}: change it") from error
        self._health = Health()
        self._length_field = ["max_tokens"]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.model!r}, base_url={self.url!r})"

    @property
    def identity(self) -> str:
        """Model, address (host and path) and everything sent but the prompt, as JSON; never the key."""
        parts = {
            "kind": "endpoint",
            "request": REQUEST,
            "model": self.model,
            "url": self.url.partition("://")[2],
            "temperature": self.temperature,
            "top_p": self.top_p,
            "seed": self.seed,
            "max_new_tokens": self.max_new_tokens,
            "response_format": self.response_format,
            "extra": self.extra,
        }
        return json.dumps(parts, sort_keys=True)

    def with_schema(self, schema: Mapping[str, Any], name: str = "answer") -> EndpointGenerator:
        """The same generator, asking for answers that are JSON under ``schema``."""
        other = copy.copy(self)
        other.response_format = {
            "type": "json_schema",
            "json_schema": {"name": name, "strict": True, "schema": dict(schema)},
        }
        return other

    def with_seed(self, seed: int) -> EndpointGenerator:
        """The same generator with a seed of its own, derived from this one's and ``seed``.

        Where the server takes no seed (``seed=None``) none is sent: it draws anew by itself.
        """
        other = copy.copy(self)
        other.seed = None if self.seed is None else self.seed + seed
        return other

    def plan(self, prompts: Sequence[Prompt]) -> list[list[int]]:
        """Batches of four times ``concurrency``, in order: few enough to lose when a run is killed."""
        size = _BATCHES_OF_CONCURRENCY * self.limits.concurrency
        return [list(range(at, min(at + size, len(prompts)))) for at in range(0, len(prompts), size)]

    def generate(self, prompts: Sequence[Prompt]) -> list[Generation]:
        """One generation a prompt; a prompt that fails gives one with ``error``.

        ``seconds`` is the time of the request that succeeded.

        Raises:
            ModelError: the server needs a key and the environment holds none.
            MissingExtra: the ``openai`` client is absent.
        """
        if not prompts:
            return []
        openai = extras.load("openai", extra="endpoint")
        return run(self._generate(openai, self._key(), prompts))

    def _key(self) -> str:
        key = os.environ.get(self.api_key_env, "").strip()
        if not (key.isascii() and (key + "-").isprintable()):
            raise ModelError(
                f"the key in the environment variable {self.api_key_env} has characters that no key has "
                "(a line break, a control character, a letter outside ASCII): set it again"
            )
        if key or self._address.is_local:
            return key or "none"
        raise ModelError(
            f"the environment variable {self.api_key_env} holds no key for {self.url}: set it, or name "
            "another one with api_key_env; a server on this machine is asked without a key"
        )

    async def _generate(self, openai: Any, key: str, prompts: Sequence[Prompt]) -> list[Generation]:
        async with self._flight(openai, key) as flight:
            outcomes = await flight.all([(self, prompt) for prompt in prompts])
        return [_generation(outcome) for outcome in outcomes]

    @asynccontextmanager
    async def asking(self) -> AsyncIterator[Ask]:
        """A function to ask prompts one by one from a coroutine, each under a schema of its own if need be.

        The bounds, the repetitions and the connections are those of one call of :meth:`generate`.
        """
        async with self._flight(extras.load("openai", extra="endpoint"), self._key()) as flight:

            async def ask(prompt: Prompt, schema: Mapping[str, Any] | None = None) -> Generation:
                asked = self if schema is None else self.with_schema(schema)
                return _generation(await flight.one((asked, prompt)))

            yield ask

    @asynccontextmanager
    async def _flight(self, openai: Any, key: str) -> AsyncIterator[Flight[Question, Generation]]:
        def connect() -> Any:
            return openai.AsyncOpenAI(
                api_key=key,
                base_url=self._address.asked,
                default_query=self._address.query,
                max_retries=0,
                timeout=self.limits.timeout,
                # A redirect would hand the prompts to another server, of which nobody spoke.
                http_client=openai.DefaultAsyncHttpxClient(
                    trust_env=not self._address.is_local, follow_redirects=False
                ),
            )

        # A client costs more than ten requests to make: rounds on one loop share it.
        async with kept(
            (self._address.asked, *self._address.query.items(), key, self.limits.timeout), connect
        ) as client:

            async def work(question: Question) -> Generation:
                asked, prompt = question
                begun = time.perf_counter()
                try:
                    reply = await asked._ask(openai, client, prompt)
                except TimeoutError:
                    raise
                except Fault as fault:
                    fault.message = self._clean(fault.message, key)
                    raise
                except Exception as error:  # the client names headers in some of its errors
                    raise Fault(self._clean(f"{type(error).__name__}: {error}", key)) from None
                seconds = time.perf_counter() - begun
                text = reply.text.replace(key, "[key]") if len(key) >= _SHORTEST_KEY else reply.text
                read, written = reply.prompt_tokens, reply.completion_tokens
                return Generation(text, read, written, seconds, note=reply.note)

            yield Flight(work, self.limits, self._health)

    def _clean(self, message: str, key: str) -> str:
        for secret in self._address.secrets:
            message = message.replace(secret, self.url if secret == self._address.asked else "[key]")
        return redact(message, key)

    async def _ask(self, openai: Any, client: Any, prompt: Prompt) -> Reply:
        asked = Asked(self.model, self.url, self.api_key_env, self.max_new_tokens, self.response_format)
        field = self._length_field[0]
        try:
            # The body goes in as it is: the client's typed fields cost more time than the request.
            raw = await client.chat.completions.with_raw_response.create(
                model=self.model, messages=[], extra_body=self._body(prompt, field)
            )
        except openai.APIStatusError as error:
            status, body = error.status_code, error.response.text
            if status == 400 and field == "max_tokens" and "max_completion_tokens" in body:
                self._length_field[0] = "max_completion_tokens"
                return await self._ask(openai, client, prompt)
            raise status_fault(status, error.response.headers, body, asked) from None
        except openai.APITimeoutError:
            raise TimeoutError("the server was too slow: raise timeout, or lower concurrency") from None
        except openai.APIConnectionError as error:
            raise connection_fault(error, self.url) from None
        return read_reply(raw.text, raw.headers.get("content-type", ""), asked)

    def _body(self, prompt: Prompt, length_field: str) -> dict[str, Any]:
        system = [{"role": "system", "content": prompt.system}] if prompt.system else []
        optional = {
            "temperature": self.temperature,
            "top_p": None if self.top_p == 1.0 else self.top_p,  # 1 is every server's default
            "seed": self.seed,
            "response_format": self.response_format,
        }
        return {
            "messages": [*system, {"role": "user", "content": prompt.user}],
            length_field: self.max_new_tokens,
            **{name: value for name, value in optional.items() if value is not None},
            **self.extra,
        }


def _generation(outcome: Generation | Fault) -> Generation:
    return Generation(None, error=outcome.message) if isinstance(outcome, Fault) else outcome
