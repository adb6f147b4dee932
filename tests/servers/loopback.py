"""A small OpenAI-compatible server on loopback that can be told to misbehave."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable
from email.utils import formatdate
from types import TracebackType
from typing import Any

Request = dict[str, Any]
Reply = Callable[[Request], str]
Plan = Callable[[Request, int], str | None]

FAULTS = (
    "429", "429-date", "429-bare", "500", "503", "reset", "reset-late", "hang", "slow", "slow-done", "html",
    "malformed", "empty-choices", "null-content", "no-usage", "wrong-schema", "empty-body", "cut-off",
    "html-502",
)  # fmt: skip
"""Every way to misbehave. ``slow`` never ends, ``slow-done`` does."""


def prompt_of(request: Request) -> str:
    """The user's turn."""
    return str(request["messages"][-1]["content"])


class LoopbackServer:
    """Serves ``/v1/chat/completions`` (and ``/v1/embeddings``) from a thread of its own.

    Args:
        reply: from the request's body to the text of the answer.
        faults: from the body and how often this prompt was asked before to a name in ``FAULTS``, or None.
        latency: seconds before each answer.
        key: the key demanded; None for no key.
        models: names that are known; None for any.
        window: longest prompt in characters; None for no limit.
    """

    def __init__(
        self,
        reply: Reply,
        *,
        faults: Plan | None = None,
        latency: float = 0.0,
        key: str | None = None,
        models: tuple[str, ...] | None = None,
        window: int | None = None,
    ) -> None:
        self.reply, self.faults, self.latency = reply, faults, latency
        self.key, self.models, self.window = key, models, window
        self.requests: list[Request] = []
        self.keys: list[str] = []
        self.faults_given: Counter[str] = Counter()
        self.busy = self.most_busy = 0
        self.arrivals: list[float] = []
        self.asked: Counter[str] = Counter()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._ready = threading.Event()
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def __enter__(self) -> LoopbackServer:
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._stopped.set)
        self._thread.join()
        self._loop.close()

    def _run(self) -> None:
        self._loop.run_until_complete(self._serve())

    async def _serve(self) -> None:
        self._stopped = asyncio.Event()
        self._tasks: set[asyncio.Task[Any]] = set()
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0, backlog=512)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stopped.wait()
        server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            while await self._one(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        first, *lines = head.split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        self.busy += 1
        self.most_busy = max(self.most_busy, self.busy)
        self.arrivals.append(time.monotonic())
        try:
            return await self._answer(first.split()[1], headers, json.loads(body or b"{}"), writer)
        finally:
            self.busy -= 1

    async def _answer(
        self, path: str, headers: dict[str, str], request: Request, writer: asyncio.StreamWriter
    ) -> bool:
        self.keys.append(headers.get("authorization", "").removeprefix("Bearer "))
        if path == "/v1/embeddings":
            return await self._send(writer, 200, json.dumps(_embeddings(request)))
        if path != "/v1/chat/completions":
            return await self._send(writer, 404, '{"detail":"Not Found"}')
        self.requests.append(request)
        refusal = self._refusal(request)
        if refusal is not None:
            return await self._send(writer, *refusal)
        prompt = prompt_of(request)
        fault = self.faults(request, self.asked[prompt]) if self.faults else None
        self.asked[prompt] += 1
        if fault is not None:
            self.faults_given[fault] += 1
            return await self._misbehave(fault, request, writer)
        if self.latency:
            await asyncio.sleep(self.latency)
        return await self._send(writer, 200, json.dumps(completion(self.reply(request), request)))

    def _refusal(self, request: Request) -> tuple[int, str] | None:
        if self.key is not None and self.keys[-1] != self.key:
            return 401, _error(f"Incorrect API key provided: {self.keys[-1]}.", "invalid_api_key")
        if self.models is not None and request["model"] not in self.models:
            return 404, _error(f"The model `{request['model']}` does not exist", "model_not_found")
        if self.window is not None and len(prompt_of(request)) > self.window:
            said = f"This model's maximum context length is {self.window} tokens"
            return 400, _error(said, "context_length_exceeded")
        return None

    async def _misbehave(self, fault: str, request: Request, writer: asyncio.StreamWriter) -> bool:
        good = json.dumps(completion(self.reply(request), request))
        if fault in _STATUS:
            status, headers = _STATUS[fault]()
            return await self._send(writer, status, _error("try later", "overloaded"), headers)
        if fault in ("reset", "reset-late"):
            if fault == "reset-late":
                writer.write(_head(200, len(good)) + good[: len(good) // 2].encode())
                await writer.drain()
            sock: socket.socket = writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
            return False
        if fault in ("hang", "slow", "slow-done"):
            return await self._dawdle(fault, good, writer)
        status, text, kind = _bodies(fault, request, self.reply(request))
        return await self._send(writer, status, text, kind=kind)

    async def _dawdle(self, fault: str, good: str, writer: asyncio.StreamWriter) -> bool:
        if fault == "hang":
            await asyncio.sleep(3600)
        writer.write(_head(200, len(good)))
        pause = 0.2 if fault == "slow" else 0.002
        step = 1 if fault == "slow" else 8
        for at in range(0, len(good), step):
            writer.write(good[at : at + step].encode())
            await writer.drain()
            await asyncio.sleep(pause)
        return True

    async def _send(
        self,
        writer: asyncio.StreamWriter,
        status: int,
        text: str,
        headers: str = "",
        kind: str = "application/json",
    ) -> bool:
        body = text.encode()
        writer.write(_head(status, len(body), headers, kind) + body)
        await writer.drain()
        return True


def completion(text: str | None, request: Request, finish: str = "stop") -> dict[str, Any]:
    """A chat completion as the API sends it."""
    read, written = len(prompt_of(request).split()), len((text or "").split())
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 0,
        "model": request["model"],
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": finish}],
        "usage": {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written},
    }


def _bodies(fault: str, request: Request, text: str) -> tuple[int, str, str]:
    page = "<!DOCTYPE html><html><body>Sign in</body></html>"
    value = completion(text, request)
    if fault.startswith("html"):
        return (502 if fault == "html-502" else 200), page, "text/html"
    if fault == "malformed":
        return 200, json.dumps(value)[:-20], "application/json"
    if fault == "empty-body":
        return 200, "", "application/json"
    if fault == "empty-choices":
        value["choices"] = []
    elif fault == "null-content":
        value["choices"][0]["message"]["content"] = None
    elif fault == "no-usage":
        del value["usage"]
    elif fault == "wrong-schema":
        value["choices"][0]["message"]["content"] = '{"unexpected": 1}'
    elif fault == "cut-off":
        value = completion(text[: len(text) // 2], request, "length")
    else:
        raise ValueError(fault)
    return 200, json.dumps(value), "application/json"


_STATUS: dict[str, Callable[[], tuple[int, str]]] = {
    "429": lambda: (429, "Retry-After: 0.05\r\n"),
    "429-date": lambda: (429, f"Retry-After: {formatdate(time.time() + 0.05, usegmt=True)}\r\n"),
    "429-bare": lambda: (429, ""),
    "500": lambda: (500, ""),
    "503": lambda: (503, "Retry-After: 0\r\n"),
}


def _error(message: str, code: str) -> str:
    return json.dumps({"error": {"message": message, "type": "invalid_request_error", "code": code}})


def _head(status: int, length: int, headers: str = "", kind: str = "application/json") -> bytes:
    return (
        f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n{headers}\r\n"
    ).encode()


def _embeddings(request: Request) -> dict[str, Any]:
    """Bag-of-letters vectors: texts of equal letters are equal."""
    texts = request["input"] if isinstance(request["input"], list) else [request["input"]]
    rows = [
        [float(str(text).lower().count(c)) + 0.01 for c in "abcdefghijklmnopqrstuvwxyz"] for text in texts
    ]
    return {
        "object": "list",
        "model": request["model"],
        "data": [{"object": "embedding", "index": i, "embedding": row} for i, row in enumerate(rows)],
        "usage": {"prompt_tokens": 0, "total_tokens": 0},
    }
