"""What a run that only replays says about something that is not recorded."""

from __future__ import annotations

import ast
import difflib
import json
from collections.abc import Sequence
from typing import Any

from .replay import ADVICE, ReplayMiss, ReplayStore
from .store import Store

_SHOWN = 5  # differences in one message


def refuse_to_ask(store: Store, name: str, identity: str, questions: Sequence[str], repeat: int) -> None:
    """Raise :class:`ReplayMiss` in a run that only replays."""
    if isinstance(store, ReplayStore) and store.mode == "only":
        raise miss(store, name, identity, questions, repeat)


def refuse_to_judge(store: Store, name: str, identity: str, count: int) -> None:
    """Raise :class:`ReplayMiss` in a run that only replays."""
    if isinstance(store, ReplayStore) and store.mode == "only":
        raise score_miss(store, name, identity, count)


def miss(store: ReplayStore, name: str, identity: str, questions: Sequence[str], repeat: int) -> ReplayMiss:
    """Say what is not recorded, and which component of the nearest record differs, and how.

    Args:
        store: where it was looked for.
        name: the pipeline's name.
        identity: its identity now.
        questions: the questions without an answer; at least one.
        repeat: number of the repeat.
    """
    records = store.recorded("response")
    what = f"{name}: {_are(len(questions), 'answer')} not recorded, the first to {questions[0]!r}"
    same = [record.parts for record in records if record.parts.get("pipeline") == identity]
    if same:
        repeats = {parts["repeat"] for parts in same if parts["question"] == questions[0]}
        if repeats:
            why = f"repeat {repeat} of it is not recorded, only {sorted(repeats)}"
        else:
            close = difflib.get_close_matches(
                questions[0], {str(p["question"]) for p in same}, n=1, cutoff=0.6
            )
            why = (
                f"the nearest question recorded is {close[0]!r}"
                if close
                else "no question like it is recorded"
            )
        return ReplayMiss(f"{what}; the pipeline is the recorded one, {why}; {ADVICE}")
    identities = {str(record.parts.get("pipeline")) for record in records}
    if not identities:
        return ReplayMiss(f"{what}; no answer of any pipeline is recorded; {ADVICE}")
    changes = min((differences(old, identity) for old in sorted(identities)), key=len)
    more = f"\n  and {len(changes) - _SHOWN} more" if len(changes) > _SHOWN else ""
    lines = "".join(f"\n  {change}" for change in changes[:_SHOWN])
    return ReplayMiss(f"{what}; the nearest pipeline recorded differs in{lines}{more}\n  {ADVICE}")


def score_miss(store: ReplayStore, name: str, identity: str, count: int) -> ReplayMiss:
    """Say which judgements are not recorded, and how the metric differs from the recorded ones."""
    what = f"{name}: {_are(count, 'judgement')} not recorded"
    known = {str(record.parts.get("metric")) for record in store.recorded("score")}
    family = sorted(i for i in known if i.split("/")[0].split("(")[0] == identity.split("/")[0].split("(")[0])
    if identity in known:
        why = "others under this identity are: the cases or the answers changed"
    elif family:
        changes = min((differences(_opened_metric(i), _opened_metric(identity)) for i in family), key=len)
        return ReplayMiss(f"{what}; the metric recorded differs in\n  " + "\n  ".join([*changes, ADVICE]))
    else:
        why = f"nothing is recorded under {identity!r}"
    return ReplayMiss(f"{what}; {why}; {ADVICE}")


def _are(count: int, what: str) -> str:
    return f"1 {what} is" if count == 1 else f"{count} {what}s are"


def _opened_metric(identity: str) -> str:
    """A metric's identity, ``name/1(judge='x', threshold=0.5)``, as JSON, to compare it part by part."""
    head, bracket, inner = identity.partition("(")
    try:
        call: Any = ast.parse(f"f({inner}" if bracket else "f()", mode="eval").body
        parts = {keyword.arg: ast.literal_eval(keyword.value) for keyword in call.keywords}
        return json.dumps({"metric": head, **parts})
    except (ValueError, SyntaxError, TypeError, AttributeError):
        return json.dumps({"metric": identity})


def differences(before: str, now: str) -> list[str]:
    """What differs between two identities, one line a component.

    For example ``generator.weights: recorded 'a', now 'b'``.
    """
    old, new = _leaves(_opened_up(before)), _leaves(_opened_up(now))
    lines = []
    for name in sorted({*old, *new}):
        if name not in old:
            lines.append(f"{name}: not recorded, now {_short(new[name])}")
        elif name not in new:
            lines.append(f"{name}: recorded {_short(old[name])}, now absent")
        elif old[name] != new[name]:
            lines.append(f"{name}: recorded {_short(old[name])}, now {_short(new[name])}")
    return lines


def _opened_up(value: Any) -> Any:
    """Identities nest as JSON inside JSON: every text that is a JSON object becomes one."""
    if isinstance(value, str) and value[:1] in "{[":
        try:
            return _opened_up(json.loads(value))
        except ValueError:
            return value
    if isinstance(value, dict):
        return {name: _opened_up(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_opened_up(item) for item in value]
    return value


def _leaves(value: Any, name: str = "") -> dict[str, Any]:
    if isinstance(value, dict):
        items = [(f"{name}.{key}" if name else str(key), item) for key, item in value.items()]
    elif isinstance(value, list):
        items = [(f"{name}[{number}]", item) for number, item in enumerate(value)]
    else:
        return {name or "pipeline": value}
    found: dict[str, Any] = {}
    for key, item in items:
        found |= _leaves(item, key)
    return found


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:40]}...{text[-16:]}"
