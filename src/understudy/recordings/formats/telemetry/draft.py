"""Writes a first mapping as YAML in which each guess carries the comment that explains it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from understudy.recordings.formats.telemetry.guess import Draft
from understudy.recordings.formats.telemetry.inputs import Guess

_SINGLE = ("player", "map", "tick", "terminated", "truncated")


def draft_text(draft: Draft) -> str:
    """Return the mapping file's text, ending in a newline."""
    return "\n".join(_one_line(line) for line in _lines(draft)) + "\n"


def _one_line(line: str) -> str:
    """A line of the mapping, whose comments quote names and cells of the table: those must not end it."""
    return "".join(each if each.isprintable() else " " for each in line)


def _lines(draft: Draft) -> Iterator[str]:
    yield f"# A first mapping, guessed from the first {draft.rows:,} rows. Read it, correct it, and import:"
    yield "#   understudy logs import TABLE --mapping THIS_FILE --out LOGS"
    yield f"name: {_json(_name(draft))}"
    yield from _clock(draft)
    yield from _episode(draft)
    for guess in draft.of(*_SINGLE):
        yield from ("", f"# {guess.why}", f"{guess.role}: {_json(guess.columns[0])}")
    yield from _list(
        "sensors", "What is seen. Numbers in the same line of columns become one array.", draft.of("sensor")
    )
    yield from _list("actions", "What is done.", draft.of("buttons", "choice", "axes"))
    for guess in draft.of("reward"):
        yield from ("", f"# {guess.why}", "reward:", f"  column: {_json(guess.columns[0])}", "  resample: sum")
    yield from _list("events", "Words for what happened.", draft.of("event"))
    texts = draft.of("text")
    if texts:
        yield from ("", f"# {texts[0].why}", f"text: {_json([each.columns[0] for each in texts])}")
    yield from _left_out(draft)


def _name(draft: Draft) -> str:
    word = "".join(each if each.isalnum() else "_" for each in draft.path.name.split(".")[0]).strip("_")
    # A file may be called after its player.
    return "telemetry" if draft.of("player") or not word else word.lower()


def _clock(draft: Draft) -> Iterator[str]:
    clock = draft.clock
    if clock is None:
        yield from ("", "# There is no clock, so every row is a decision. Set the game's own rate.")
        yield from ("rate_hz: 20", "steps: rows", "max_gap_s: null")
        return
    yield from (
        "",
        f"# {clock.rate_why}",
        f"rate_hz: {clock.rate_hz:g}",
        f"steps: {'rows' if clock.steady else 'clock'}",
    )
    yield from ("", f"# {clock.why}", "clock:", f"  column: {_json(clock.profile.name)}", f"  unit: {clock.unit}")
    if clock.unit == "iso":
        yield "  timezone: UTC  # of dates that name none"
    yield from ("# A longer time without a row ends the episode.", f"max_gap_s: {clock.max_gap_s:g}")


def _episode(draft: Draft) -> Iterator[str]:
    keys = draft.of("episode")
    yield ""
    if not keys:
        player = " and players" if draft.of("player") else ""
        yield f"# No column tells episodes apart; the file is one, cut at gaps{player}. Name one here if there is."
    for guess in keys:
        yield f"# {guess.columns[0]}: {guess.why}"
    yield f"episode: {_json([each.columns[0] for each in keys])}"


def _list(key: str, what: str, guesses: list[Guess]) -> Iterator[str]:
    if key == "events" and not guesses:
        return
    yield from ("", f"# {what}")
    if not guesses:
        yield f"{key}: []  # NONE FOUND, and at least one is needed: say here which columns they are"
        return
    yield f"{key}:"
    for guess in guesses:
        yield f"  # {guess.why}"
        first, *rest = _entry(guess)
        yield f"  - {first}"
        yield from (f"    {line}" for line in rest)


def _entry(guess: Guess) -> list[str]:
    form: Mapping[str, Any] = guess.form
    lines = [f"name: {_word(form['name'])}"] if "name" in form else []
    if guess.role in ("buttons", "choice", "axes"):
        lines.append(f"kind: {guess.role}")
    if guess.role in ("choice", "event"):
        lines.append(f"column: {_json(guess.columns[0])}")
    else:
        lines.append(f"columns: {_json(guess.columns)}")
    return lines + [f"{key}: {_json(value)}" for key, value in form.items() if key != "name" and value != ""]


def _left_out(draft: Draft) -> Iterator[str]:
    left = draft.of("left out")
    if left:
        yield from ("", "# Left out:")
        yield from (f"#   {guess.columns[0] or '(a column without a name)'}: {guess.why}" for guess in left)


def _json(value: Any) -> str:
    """Plain values as YAML understands them on one line."""
    text = json.dumps(value, ensure_ascii=False)
    return text if text.isprintable() else json.dumps(value)


def _word(name: str) -> str:
    """A name, in quotes if YAML takes it for something else, as it does `on` and `no`."""
    return name if yaml.safe_load(name) == name else _json(name)
