"""A first mapping from the data: what each column is, and why it is taken for that."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from understudy.recordings.formats.telemetry import names
from understudy.recordings.formats.telemetry.clock import ClockGuess, guess_clock
from understudy.recordings.formats.telemetry.inputs import Guess, guess_actions
from understudy.recordings.formats.telemetry.profile import Profile, profile_table

_DECIMAL_COMMA = re.compile(r"-?\d+,\d+")


@dataclass
class Draft:
    """A first mapping."""

    path: Path
    rows: int
    guesses: list[Guess]
    clock: ClockGuess | None

    def of(self, *roles: str) -> list[Guess]:
        """The guesses of some roles, in the order of the columns."""
        return [each for each in self.guesses if each.role in roles]


def guess_mapping(path: Path) -> Draft:
    """Look at a sample of a table and guess what each column is; raises `RecordingError` if it cannot be read."""
    profiles = profile_table(path)
    left = {each.name: each for each in profiles}
    guesses = _episodes(left)
    rows = len(profiles[0].texts)
    keys = _row_keys([each for each in profiles if any(each.name in guess.columns for guess in guesses)], rows)
    clock = guess_clock(list(left.values()), keys)
    if clock:
        guesses.append(Guess("clock", [clock.profile.name], clock.why))
        del left[clock.profile.name]
    for find in (_useless, _plain_roles, guess_actions, _sensors):
        found = find(left)
        guesses += found
        for guess in found:
            for column in guess.columns:
                left.pop(column, None)
    guesses += [Guess("left out", [name], _left_out(each)) for name, each in left.items()]
    order = {each.name: place for place, each in enumerate(profiles)}
    guesses.sort(key=lambda each: order[each.columns[0]])
    return Draft(path, rows, guesses, clock)


def _episodes(left: dict[str, Profile]) -> list[Guess]:
    """The columns that tell episodes, players and maps apart; they are taken out of `left`."""
    guesses = []
    for role, known in (("episode", names.EPISODE), ("player", names.PLAYER), ("map", names.MAP)):
        for profile in _best_names(left, known, role):
            different = len(profile.different)
            guesses.append(Guess(role, [profile.name], _why_key(role, different)))
            del left[profile.name]
    return guesses


def _best_names(left: dict[str, Profile], known: set[str], role: str) -> list[Profile]:
    found = [each for each in left.values() if _is_key(each, known, role)]
    if role == "episode":
        return found
    # An id tells players apart better than a name that two may share.
    return sorted(found, key=lambda each: not any(word.endswith("id") for word in each.words))[:1]


def _is_key(profile: Profile, known: set[str], role: str) -> bool:
    words, rest = profile.words & known, profile.words - known
    if not words or profile.kind in ("empty", "list", "date") or rest - names.IDENTITY - names.PLAYER - {"current"}:
        return False
    if profile.kind in ("number", "flag") and not (
        profile.is_whole and len(profile.different) < len(profile.texts) / 4
    ):
        return False
    # A key that is held again and again, such as `run`, is no number of a run.
    if profile.kind == "flag" and profile.words & names.INPUT and int((np.diff(profile.numbers) != 0).sum()) > 1:
        return False
    # A level may be a player's rank, and a player's number of lives a number.
    return role != "map" or profile.kind == "word"


def _why_key(role: str, different: int) -> str:
    what = {
        "episode": "its name says so; a new episode begins wherever it changes",
        "player": "its name says so; stored as a hash, and an episode is of one player only",
        "map": "its name says so",
    }[role]
    return f"{what} ({different} different in the sample)"


def _row_keys(profiles: Sequence[Profile], rows: int) -> list[str]:
    """Tell of each row which episode it is in."""
    keys = [each.texts for each in profiles if not each.words & names.MAP]
    return ["|".join(each or "" for each in row) for row in zip(*keys, strict=True)] if keys else [""] * rows


def _useless(left: dict[str, Profile]) -> list[Guess]:
    found = []
    for profile in left.values():
        if profile.kind == "empty":
            found.append(Guess("left out", [profile.name], "it is empty"))
        elif _counts_rows(profile):
            found.append(Guess("left out", [profile.name], "it only counts the rows"))
        elif profile.kind == "date" or (
            profile.kind == "number" and profile.words & names.CLOCK and profile.rising > 0.9
        ):
            found.append(Guess("left out", [profile.name], "another column is the clock"))
        elif profile.words & names.PLAYER and profile.words & {"name", "id", "nick"}:
            found.append(Guess("left out", [profile.name], "it names the player, who is known by another column"))
    return found


def _counts_rows(profile: Profile) -> bool:
    unnamed = not profile.name or profile.words <= {"unnamed", "index", "row", "0", "level", "id"}
    return unnamed and profile.kind == "number" and bool((np.diff(profile.numbers) == 1).all())


def _plain_roles(left: dict[str, Profile]) -> list[Guess]:
    """Columns with one meaning each, known by name and checked by kind."""
    checks: list[tuple[str, set[str], Callable[[Profile], bool], str]] = [
        (
            "tick",
            names.TICK,
            lambda each: each.kind == "number" and each.is_whole and each.rising > 0.9,
            "a rising count",
        ),
        ("reward", names.REWARD, lambda each: each.kind in ("number", "flag"), "its name says so"),
        ("terminated", names.TERMINATED, lambda each: each.kind == "flag", "its name says that the game ended"),
        ("truncated", names.TRUNCATED, lambda each: each.kind == "flag", "its name says that it was cut short"),
        ("text", names.TEXT, lambda each: each.kind == "word", "what people type; dropped unless you say --keep-text"),
        ("event", names.EVENT, lambda each: each.kind in ("word", "list"), "words for what happened"),
    ]
    found: list[Guess] = []
    for profile in left.values():
        for role, known, fits, why in checks:
            single = role in ("event", "text") or not any(each.role == role for each in found)
            if profile.words & known and fits(profile) and single:
                found.append(Guess(role, [profile.name], why))
                break
        else:
            if profile.kind == "word" and _is_prose(profile):
                found.append(
                    Guess("text", [profile.name], "sentences, such as people type; dropped unless you say --keep-text")
                )
    return found


def _is_prose(profile: Profile) -> bool:
    spaces = np.mean([" " in each for each in profile.different])
    return bool(spaces > 0.3 and len(profile.different) > 3 and np.mean([len(each) for each in profile.different]) > 10)


def _sensors(left: dict[str, Profile]) -> list[Guess]:
    groups: dict[str, list[Profile]] = {}
    for profile in left.values():
        if profile.kind in ("number", "flag") and not _is_constant(profile) and not _is_identity(profile):
            groups.setdefault(names.group_of(profile.name)[0], []).append(profile)
    return [_sensor(name, each) for name, each in groups.items()]


def _is_constant(profile: Profile) -> bool:
    return len(profile.different) < 2


def _is_identity(profile: Profile) -> bool:
    last = names.words_of(profile.name)[-1:]
    return bool(set(last) & {"id", "uuid", "guid", "seed", "port", "version"}) or profile.name.endswith("Id")


def _sensor(name: str, profiles: Sequence[Profile]) -> Guess:
    words = set().union(*(each.words for each in profiles)) | set(name.split("_"))
    low, high = min(each.low for each in profiles), max(each.high for each in profiles)
    form: dict[str, Any] = {"name": name if name.isidentifier() else f"v_{name}"}
    form["units"] = "" if all(each.kind == "flag" for each in profiles) else names.units_of(words, low, high)
    why = "the name and the range" if form["units"] else "a number that is no input"
    if all(each.kind == "flag" for each in profiles):
        form |= {"low": 0, "high": 1}
        why = "true or false, and no input"
    if words & names.HIDDEN:
        form["privileged"] = True
        why += "; of somebody else, whom a person may not see: set privileged to false if they always do"
    return Guess("sensor", [each.name for each in profiles], f"{why} (from {low:g} to {high:g})", form)


def _left_out(profile: Profile) -> str:
    if _is_constant(profile):
        return f"it is the same in every row of the sample ({profile.different[0][:40] if profile.different else ''})"
    if _is_identity(profile):
        return "a number that stands for a thing, not for an amount"
    if profile.kind == "list":
        return "it holds lists; write each item in a column of its own"
    if np.mean([bool(_DECIMAL_COMMA.fullmatch(each)) for each in profile.different]) > 0.5:
        return "numbers with a comma, of which nobody can say what it means; write 1.5 for one and a half"
    words = f"words ({len(profile.different)} different), and sensors are numbers"
    return f"{words}; make it a choice if the player chooses it"
