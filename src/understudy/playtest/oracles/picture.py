"""The oracle of pictures: black, frozen or untextured."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from understudy.playtest.options import Natural, Positive, Share
from understudy.playtest.oracles.asking import action_key
from understudy.playtest.oracles.oracle import OracleOptions, Quiet
from understudy.playtest.run.moment import Ending, Moment, Picture, Position, Sighting
from understudy.spec import BehaviorSpec

_TRIES = 3


@dataclass
class _Spell:
    """How long something has been wrong, and since the start of it: what was tried, and where it was worst."""

    looks: int = 0
    told: bool = False
    first: int = 0
    worst: float = 0.0
    tick: int = 0
    position: Position | None = None
    start: Position | None = None
    deeds: set[bytes] = field(default_factory=set)


class PictureSpec(OracleOptions):
    """The picture is black, frozen or untextured.

    Attributes:
        look_for: Which of these.
        seconds: Of game time that it must last.
        every: Seconds of game time between two looks.
        dark: A picture with a lower mean brightness and half that spread is black, 0 to 255.
        still: Of the game's units, how far the player must get while the picture stays the same for it to be frozen;
            where the game does not say where the player is, three different actions must change nothing.
        colours: That engines show for a missing texture, red, green and blue from 0 to 255.
        tolerance: How far each of the three may be off.
        share: Of the picture that such a colour must fill.
        flat: If given, a picture of which one colour fills this share counts as untextured too.
        reach: From how far away an untextured thing is seen, in the game's units.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"picture"})

    kind: Literal["picture"] = "picture"
    look_for: tuple[Literal["black", "frozen", "untextured"], ...] = ("black", "frozen", "untextured")
    seconds: Positive = 1.0
    every: Positive = 0.2
    dark: Positive = 4.0
    still: Positive = 2.0
    colours: tuple[tuple[int, int, int], ...] = ((255, 0, 255),)
    tolerance: Natural = 40
    share: Share = 0.02
    flat: Share | None = None
    reach: Positive = 30.0


class PictureFault(Quiet):
    """The picture is black, frozen or untextured for some time.

    A spell is one sighting. Black and frozen are told once certain; untextured when the spell is over, placed where the
    fault filled most of the picture, since it is seen from afar.
    """

    kind = "picture"
    Options = PictureSpec

    def __init__(self, options: PictureSpec | None = None) -> None:
        self.options = options or PictureSpec()
        self._patience = 1.0
        self._spells: dict[str, _Spell] = {}
        self._waiting: list[Sighting] = []

    def reset(self, behavior: BehaviorSpec) -> None:
        """Forget the last run."""
        self._patience = self.options.seconds * behavior.decision_hz
        self._spells, self._waiting = {}, []

    def observe(self, moment: Moment) -> Sighting | None:
        """Report a picture that has been wrong for long enough."""
        for spell in self._spells.values():
            if moment.action is not None:
                spell.deeds.add(action_key(moment.action))
        if moment.picture is None:
            return None
        found = [self._look(name, moment, moment.picture) for name in self.options.look_for]
        self._waiting += [each for each in found if each is not None]
        return self._waiting.pop(0) if self._waiting else None

    def end(self, ending: Ending) -> Sighting | None:
        """Report what was still untextured."""
        return self._untextured(self._spells.pop("untextured", None), ending.tick)

    def _look(self, name: str, moment: Moment, picture: Picture) -> Sighting | None:
        amount = self._amount(name, picture)
        if not amount:
            over = self._spells.pop(name, None)
            return self._untextured(over, moment.tick) if name == "untextured" else None
        spell = self._spells.setdefault(name, _Spell(first=moment.tick, start=moment.position))
        spell.looks += 1
        if amount > spell.worst:
            spell.worst, spell.tick, spell.position = amount, moment.tick, moment.position
        if name == "untextured" or spell.told or not self._lasted(spell, moment.tick):
            return None
        if name == "frozen" and not self._should_change(spell, moment.position):
            return None
        spell.told = True
        words = "black" if name == "black" else "frozen, while the player plays on"
        message = f"The picture has been {words} for {self.options.seconds:g} s."
        return Sighting(self.kind, message, moment.tick, moment.position, key="" if moment.position else name)

    def _amount(self, name: str, picture: Picture) -> float:
        """How wrong the picture is, 0 if it is not."""
        options = self.options
        black = picture.mean < options.dark and picture.spread < options.dark / 2
        if name == "black":
            return float(black)
        if name == "frozen":
            # A black picture does not change either, and is told once.
            return float(not picture.changed and not black)
        flat = picture.flat if options.flat is not None and picture.flat >= options.flat else 0.0
        return max(flat, picture.missing if picture.missing >= options.share else 0.0)

    def _should_change(self, spell: _Spell, position: Position | None) -> bool:
        if position is not None and spell.start is not None:
            return math.dist(position, spell.start) >= self.options.still
        return len(spell.deeds) >= _TRIES

    def _lasted(self, spell: _Spell, tick: int) -> bool:
        return spell.looks > 1 and tick - spell.first >= self._patience

    def _untextured(self, spell: _Spell | None, tick: int) -> Sighting | None:
        if spell is None or not self._lasted(spell, tick):
            return None
        message = f"{100 * spell.worst:.0f} % of the picture is in a colour that stands for a missing texture."
        key = "" if spell.position else "untextured"
        # A replay goes as far as this, and must see that it lasted.
        certain = max(spell.tick, spell.first + math.ceil(self._patience))
        return Sighting(self.kind, message, certain, spell.position, key=key, reach=self.options.reach)
