"""Checks of sessions that are there twice, and of what training and held-out play share."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

from understudy.recordings.doctor.finding import Evidence, Finding, Severity
from understudy.recordings.doctor.fixes import drop
from understudy.recordings.doctor.plots import bars
from understudy.recordings.doctor.protocol import Check
from understudy.recordings.doctor.session import Session
from understudy.recordings.doctor.similarity import Pair, similar_pairs

_LEAST_SHARED = 0.25


class NearDuplicates(Check):
    """Finds sessions that are copies, or pieces, of others."""

    name = "near-duplicate"
    title = "Near-duplicate sessions"
    why = "What is there twice counts twice, and if one copy is held out, what is measured on it is memory."

    def look_all(self, sessions: Sequence[Session]) -> Iterable[Finding]:
        """Find them by the action sequences they share; of two, the shorter is the copy, or the one trained on."""
        named = {session.name: session for session in sessions}
        copies: dict[str, list[Pair]] = defaultdict(list)
        for pair in pairs_of(sessions):
            # `Leaks` leaves the one trained on out, and both fixes together must not lose both.
            copy = min((named[pair.first], named[pair.second]), key=_worth)
            copies[copy.name].append(pair)
        for name, pairs in copies.items():
            yield self._finding(named[name], pairs)

    def _finding(self, session: Session, pairs: Sequence[Pair]) -> Finding:
        shared = {pair.second if pair.first == session.name else pair.first: pair.shared for pair in pairs}
        closest = max(shared, key=lambda name: shared[name])
        return self.finding(
            session,
            Severity.PROBLEM if shared[closest] > 0.5 else Severity.WARNING,
            f"{shared[closest]:.0%} of its inputs are those of '{closest}', in the same order.",
            evidence=Evidence(
                value=shared[closest],
                plot=bars(list(shared), list(shared.values()), "share of inputs in common"),
            ),
            fix=drop("drop-duplicate-session", "Leave one of the two out.", session.name),
            others=tuple(shared),
        )


class Leaks(Check):
    """Finds what training and held-out play share, by the split of a recipe."""

    name = "leak"
    title = "Leaks between training and held-out play"
    why = "What is measured on held-out play is then partly memory, and too good."

    def look_all(self, sessions: Sequence[Session]) -> Iterable[Finding]:
        """Look for copies, then for players and game seeds, on both sides."""
        held = {session.name: session for session in sessions if _is_held_out(session)}
        if not held:
            return
        for pair in pairs_of(sessions):
            sides = [name for name in (pair.first, pair.second) if name in held]
            if len(sides) == 1:
                yield self._copy(held[sides[0]], pair)
        trained = [session for session in sessions if session.name not in held]
        yield from self._players(list(held.values()), trained)
        yield from self._games(list(held.values()), trained)

    def _copy(self, session: Session, pair: Pair) -> Finding:
        other = pair.second if pair.first == session.name else pair.first
        return self.finding(
            session,
            Severity.PROBLEM,
            f"It is held out, and {pair.shared:.0%} of its inputs are those of '{other}', which is trained on.",
            evidence=Evidence(value=pair.shared),
            fix=drop("drop-duplicate-session", "Leave the copy that is trained on out.", other),
            others=(other,),
        )

    def _players(self, held: Sequence[Session], trained: Sequence[Session]) -> Iterable[Finding]:
        """Note whose play is on both sides, unless the recipe holds players out: then it is a problem."""
        known = _by(trained, lambda session: session.player)
        for player, theirs in _by(held, lambda session: session.player).items():
            if player in known:
                promised = any("players" in session.held_out for session in theirs)
                yield self.finding(
                    theirs[0],
                    Severity.PROBLEM if promised else Severity.NOTE,
                    f"Player '{player}' is both trained on ({len(known[player])} recordings) and held out "
                    f"({len(theirs)}): what is measured is not how well a new player is imitated.",
                    evidence=Evidence(value=len(known[player]), unit="recordings"),
                    others=tuple(session.name for session in known[player][:20]),
                )

    def _games(self, held: Sequence[Session], trained: Sequence[Session]) -> Iterable[Finding]:
        known = _by(trained, _game)
        for game, theirs in _by(held, _game).items():
            if game in known:
                yield self.finding(
                    theirs[0],
                    Severity.WARNING,
                    f"The very same game (map, seed and beginning) is also trained on, in '{known[game][0].name}'.",
                    evidence=Evidence(value=len(known[game]), unit="recordings"),
                    others=tuple(session.name for session in known[game][:20]),
                )


def pairs_of(sessions: Sequence[Session]) -> tuple[Pair, ...]:
    """Return the near-duplicate pairs among sessions, found once."""
    key = f"pairs.{len(sessions)}.{sessions[-1].name}"
    return sessions[0].remember(key, lambda: tuple(similar_pairs(sessions, _LEAST_SHARED)))


def _worth(session: Session) -> tuple[bool, int, tuple[int, str]]:
    return _is_held_out(session), session.num_steps, _age(session.name)


def _age(name: str) -> tuple[int, str]:
    """Of equally long copies, the one with the longer, then later, name is dropped: `walk (copy)`, `walk-2`."""
    return (-len(name), "".join(chr(0x10FFFF - ord(letter)) for letter in name))


def _is_held_out(session: Session) -> bool:
    return any(kind in session.held_out for kind in ("players", "episodes"))


def _game(session: Session) -> str:
    """Map, seed and beginning in one word; empty if the seed is unknown."""
    provenance = session.episode.provenance
    return "" if provenance.seed is None else f"{provenance.map}/{provenance.seed}/{provenance.started}"


def _by(sessions: Sequence[Session], key: Callable[[Session], str]) -> Mapping[str, list[Session]]:
    groups: dict[str, list[Session]] = defaultdict(list)
    for session in sessions:
        if key(session):
            groups[key(session)].append(session)
    return groups
