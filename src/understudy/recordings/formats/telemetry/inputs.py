"""Which columns are what the player did: buttons, axes and choices, by their names and values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from understudy.recordings.formats.telemetry import names
from understudy.recordings.formats.telemetry.profile import Profile

_MAX_CHOICES = 32


@dataclass
class Guess:
    """What one or more columns are taken for.

    Attributes:
        role: `"clock"`, `"episode"`, `"player"`, `"map"`, `"tick"`, `"reward"`, `"terminated"`, `"truncated"`,
            `"event"`, `"text"`, `"buttons"`, `"choice"`, `"axes"`, `"sensor"` or `"left out"`.
        columns: Their names.
        why: A sentence for people.
        form: The entry's keys in the mapping.
    """

    role: str
    columns: list[str]
    why: str
    form: dict[str, Any] = field(default_factory=dict)


def guess_actions(left: dict[str, Profile]) -> list[Guess]:
    """Find the buttons, the axes and the choices among the columns that are left."""
    buttons = [each for each in left.values() if each.kind == "flag" and _is_input(each)]
    found = []
    if buttons:
        why = "only 0 and 1 or true and false, and the names are of inputs; check that none is the game's own state"
        labels = [names.identifier(each.name) for each in buttons]
        found.append(Guess("buttons", [each.name for each in buttons], why, {"name": "buttons", "labels": labels}))
    axes: dict[str, list[Profile]] = {}
    for profile in left.values():
        if profile.kind in ("number", "flag") and profile not in buttons and _is_axis(profile):
            axes.setdefault(_axes_name(profile), []).append(profile)
    found += [_axes(name, each) for name, each in axes.items()]
    return found + [_choice(each) for each in left.values() if _is_choice(each)]


def _is_input(profile: Profile) -> bool:
    words = profile.words - {"is", "was"}
    if words & (names.STATE | names.AXIS | names.MEASURED):
        return False
    return bool(words & names.INPUT) or (len(words) == 1 and words <= set("wasdqerfcxz"))


def _is_axis(profile: Profile) -> bool:
    words = profile.words
    if words & names.MEASURED:
        return False
    mouse = bool(words & names.MOUSE) and bool(words & (names.XYZ | names.DELTA)) and profile.low < 0 < profile.high
    put_in = "input" in words and profile.kind == "number"
    return bool(words & (names.DELTA | names.AXIS)) or mouse or put_in


def _axes_name(profile: Profile) -> str:
    words = [each for each in names.words_of(profile.name) if each not in names.XYZ | names.DELTA | {"input"}]
    return "_".join(words) if words and not words[0].isdigit() else "look"


def _axes(name: str, profiles: Sequence[Profile]) -> Guess:
    columns = [each.name for each in profiles]
    low, high = min(each.low for each in profiles), max(each.high for each in profiles)
    form: dict[str, Any] = {"name": name, "labels": [names.identifier(each) for each in columns]}
    if any(_is_movement(each) for each in profiles) and max(-low, high) > 1:
        bound = _round_up(max(-low, high))
        form |= {"low": -bound, "high": bound, "units": "counts per decision", "resample": "sum"}
        return Guess("axes", columns, f"movements (the sample has {low:g} to {high:g}), so they are summed", form)
    both_ways = low < 0 or any(each.words & names.BOTH_WAYS for each in profiles)
    bound = 1.0 if max(-low, high) <= 1 else _round_up(max(-low, high))
    form |= {
        "low": -bound if both_ways else 0.0,
        "high": bound,
        "units": "share" if bound == 1 else "",
        "resample": "last",
    }
    return Guess(
        "axes", columns, f"the name is of a stick, a pedal or a wheel, and it lies in {low:g} to {high:g}", form
    )


def _is_movement(profile: Profile) -> bool:
    """Whether rows add up; a wheel is that of a mouse if it mostly rests, else that of a car, which has a place."""
    scrolled = "wheel" in profile.words and profile.is_whole and bool((profile.numbers == 0).mean() > 0.5)
    return scrolled or bool(profile.words & (names.DELTA | names.MOUSE | {"scroll"}))


def _round_up(value: float) -> float:
    """The next of 1, 2, 5, 10, 20, 50… with a little room."""
    scale = 10.0 ** np.floor(np.log10(max(value, 1e-9)))
    return float(next(scale * step for step in (1, 2, 5, 10) if scale * step >= value))


def _is_choice(profile: Profile) -> bool:
    few = 2 <= len(profile.different) + len(profile.idle) <= _MAX_CHOICES and profile.kind in ("word", "number", "flag")
    named = bool(profile.words & names.CHOICE) and not profile.words & names.MEASURED
    return few and named and (profile.kind == "word" or profile.is_whole)


def _choice(profile: Profile) -> Guess:
    values = sorted(profile.different, key=lambda each: (not _is_int(each), int(each) if _is_int(each) else 0, each))
    why = f"few different values ({len(values)}) and the name of a choice; add values that the sample does not have"
    if profile.idle:
        values += profile.idle
        why += f"; {', '.join(profile.idle)} is taken for doing nothing: remove it if it means not known"
    return Guess("choice", [profile.name], why, {"name": names.identifier(profile.name), "values": values})


def _is_int(text: str) -> bool:
    return text.lstrip("-").isdigit()
