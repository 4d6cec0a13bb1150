"""What a run's worker reports, as a stream of bytes: rare events in JSON, and each decision in a few dozen bytes.

A record is the length of what follows (uint32), its kind (uint8), and then

- an event, such as `{"event": "end", "how": "TERMINATED"}`, in JSON;
- a layout: the names of the numbers in `info` and how many each has (0 for a number alone), in JSON. A game may tell
  other numbers at other times; a layout is written once, and each decision names its own;
- a detail: what is not measured at every decision, in JSON, for the decision that follows;
- a decision: its layout, tick, reward, seconds of the step before it, the numbers, and the action's bytes.

The stream can be kept as it is and read again later; a record that was cut off at its end is left out.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

import numpy as np

from understudy.playtest.run.moment import Moment, Number, Picture
from understudy.spec import Action, ActionSpec, BehaviorSpec

Report: TypeAlias = "dict[str, Any] | Moment"
Signature: TypeAlias = "tuple[tuple[str, int], ...]"

_EVENT, _LAYOUT, _DETAIL, _DECISION, _FINAL = range(5)
_HEAD = struct.Struct("<IB")
_FIXED = "<IBHQdd"
_FIXED_SIZE = struct.calcsize(_FIXED)


class ReportWriter:
    """Turns reports into bytes.

    Args:
        write: Takes the bytes of a whole record.
    """

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self._write = write
        self._layouts: dict[tuple[object, ...], tuple[int, struct.Struct]] = {}
        self._parts: list[tuple[str, np.dtype[Any]]] = []
        self._size = 0

    def ready(self, behavior: BehaviorSpec, fields: Mapping[str, Any]) -> None:
        """Report that the game has started."""
        self._parts = [(part.name, part.dtype) for part in behavior.actions]
        self._size = sum(_size(part) for part in behavior.actions)
        self.event("ready", {"behavior": behavior.to_dict(), **fields})

    def event(self, name: str, fields: Mapping[str, Any]) -> None:
        """Report something rare."""
        self._json(_EVENT, {"event": name, **fields})

    def decision(
        self,
        tick: int,
        info: Mapping[str, Number],
        action: Action | None,
        reward: float,
        step_seconds: float,
        detail: Mapping[str, Any] | None = None,
    ) -> None:
        """Report a decision before it is made, or with `action` None the last state."""
        if detail:
            self._json(_DETAIL, detail)
        values: list[float] = []
        key: list[object] = []
        for name, value in info.items():
            if value.__class__ is float:
                key.append(name)
                values.append(value)
            else:
                key += (name, len(value))  # type: ignore[arg-type]
                values += value  # type: ignore[arg-type]
        known = self._layouts.get(tuple(key))
        index, form = known or self._add_layout(tuple(key), info)
        if action is None:
            self._write(form.pack(form.size - 5, _FINAL, index, tick, reward, step_seconds, *values))
            return
        done = b"".join([np.asarray(action[name], dtype).tobytes() for name, dtype in self._parts])
        self._write(form.pack(form.size - 5 + self._size, _DECISION, index, tick, reward, step_seconds, *values) + done)

    def _add_layout(self, key: tuple[object, ...], info: Mapping[str, Number]) -> tuple[int, struct.Struct]:
        signature = [(name, len(value) if isinstance(value, list) else 0) for name, value in info.items()]
        self._json(_LAYOUT, signature)
        form = struct.Struct(f"{_FIXED}{sum(size or 1 for _, size in signature)}d")
        self._layouts[key] = len(self._layouts), form
        return self._layouts[key]

    def _json(self, kind: int, form: object) -> None:
        data = json.dumps(form).encode()
        self._write(_HEAD.pack(len(data), kind) + data)


class ReportReader:
    """Turns bytes into reports, chunk by chunk."""

    def __init__(self) -> None:
        self._rest = b""
        self._layouts: list[tuple[Signature, struct.Struct, bool]] = []
        self._parts: list[tuple[ActionSpec, int]] = []
        self._detail: dict[str, Any] = {}

    def feed(self, chunk: bytes) -> Iterator[Report]:
        """Yield the reports that are whole now: a dict for an event, a `Moment` for a decision or the last state."""
        data = self._rest + chunk
        start = 0
        while len(data) - start >= _HEAD.size:
            size, kind = _HEAD.unpack_from(data, start)
            end = start + _HEAD.size + size
            if end > len(data):
                break
            report = self._read(kind, data, start, end)
            start = end
            if report is not None:
                yield report
        self._rest = data[start:]

    def _read(self, kind: int, data: bytes, start: int, end: int) -> Report | None:
        if kind in (_DECISION, _FINAL):
            return self._moment(data, start, kind == _DECISION)
        form = json.loads(data[start + _HEAD.size : end])
        if kind == _DETAIL:
            self._detail = form
        elif kind == _LAYOUT:
            signature = tuple((name, size) for name, size in form)
            packed = struct.Struct(f"{_FIXED}{sum(size or 1 for _, size in signature)}d")
            self._layouts.append((signature, packed, not any(size for _, size in signature)))
        elif kind == _EVENT:
            if form["event"] == "ready":
                parts = BehaviorSpec.from_dict(form["behavior"]).actions
                self._parts = [(part, _size(part)) for part in parts]
            report: dict[str, Any] = form
            return report
        return None

    def _moment(self, data: bytes, start: int, decided: bool) -> Moment:
        index = data[start + 5] | data[start + 6] << 8
        signature, form, plain = self._layouts[index]
        _, _, _, tick, reward, seconds, *values = form.unpack_from(data, start)
        if plain:
            info: dict[str, Number] = {name: value for (name, _), value in zip(signature, values, strict=True)}
        else:
            info = _unflattened(signature, values)
        action = self._action(data, start + form.size) if decided else None
        if not self._detail:
            return Moment(tick, info, action, reward, seconds)
        detail, self._detail = self._detail, {}
        return Moment(tick, info, action, reward, seconds, **_fields(detail))

    def _action(self, data: bytes, start: int) -> Action:
        action = {}
        for part, size in self._parts:
            values = np.frombuffer(data[start : start + size], part.dtype)
            action[part.name] = values.reshape(part.shape)
            start += size
        return action


def _size(part: ActionSpec) -> int:
    return part.dtype.itemsize * int(np.prod(part.shape, dtype=int))


def _unflattened(signature: Signature, values: list[float]) -> dict[str, Number]:
    info: dict[str, Number] = {}
    at = 0
    for name, size in signature:
        info[name] = values[at : at + size] if size else values[at]
        at += size or 1
    return info


def _fields(detail: Mapping[str, Any]) -> dict[str, Any]:
    fields: dict[str, Any] = {"memory_mb": detail.get("memory_mb")}
    fields |= {name: tuple(detail.get(name, ())) for name in ("faults", "log")}
    fields["picture"] = Picture(**detail["picture"]) if "picture" in detail else None
    return fields
