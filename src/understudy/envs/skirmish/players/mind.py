"""What the parts of a scripted player share: who it is, what it knows, and the orders it gives itself."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

from understudy.envs.skirmish.players.chart import Chart, Point
from understudy.envs.skirmish.players.perception import Contact, Perception
from understudy.envs.skirmish.players.personas import Habits
from understudy.envs.skirmish.players.skills import Skills
from understudy.envs.skirmish.players.view import View
from understudy.envs.skirmish.players.walker import Walker

ATTACK, DEFEND = range(2)


@dataclass(frozen=True)
class Briefing:
    """What a player is told before a round."""

    side: int
    """0 to attack, 1 to defend."""
    slot: int
    """0 or 1: the controller or the initiator."""
    call: int
    """What the team agreed on: the same number for both, from which plans are drawn."""
    taste: int = 0
    """A number of the individual's own, for likings that stay from round to round."""


@dataclass(slots=True)
class Order:
    """What a player means to do now; a fight may come in between."""

    intent: str
    """A word for it, such as `"hold"`."""
    goal: Point | None = None
    """Where to go, None to stay."""
    look: Point | None = None
    """What to look at, None for the way ahead."""
    walk: bool = False
    """Silently."""
    crouch: bool = False
    use: bool = False
    """Hold the key that plants and defuses."""
    committed: bool = False
    """Not to be left for a fight."""


class Mind:
    """One player's knowledge and means in one round."""

    def __init__(self, habits: Habits, skills: Skills, chart: Chart, briefing: Briefing, rng: random.Random) -> None:
        """Begin a round knowing nothing but the map and the briefing."""
        self.habits = habits
        self.skills = skills
        self.chart = chart
        self.briefing = briefing
        self.rng = rng
        self.perception = Perception(skills, rng)
        self.walker = Walker(chart, rng)
        self._walk_until = 0.0
        self._walks = False

    @property
    def contacts(self) -> tuple[Contact, Contact]:
        """The enemies as they are believed to be."""
        return self.perception.contacts

    def chance(self, probability: float) -> bool:
        """Whether something of this probability happens."""
        return self.rng.random() < probability

    def hesitation(self, mean_s: float) -> float:
        """Return a waiting time, exponential up to three times its mean."""
        return min(self.rng.expovariate(1 / max(mean_s, 0.05)), 3 * mean_s)

    def stealthy(self, view: View) -> bool:
        """Whether to walk silently now, by habit; kept for a few seconds."""
        if view.clock >= self._walk_until:
            self._walks = self.chance(self.habits.stealth)
            self._walk_until = view.clock + self.rng.uniform(1.5, 3.5)
        return self._walks

    def fresh(self, view: View, within_s: float) -> Contact | None:
        """Return the living enemy last heard of within so many seconds, most recent first."""
        known = [each for each in self.contacts if each.alive and view.clock - each.known_at <= within_s]
        return max(known, key=lambda each: each.known_at, default=None)

    def threat(self, site: int, view: View) -> float:
        """Return how much speaks for enemies being nearer to `site` than to the other, 0 to 2."""
        total = 0.0
        for contact in self.contacts:
            sure = contact.sure(view.clock, self.skills.memory_s) if contact.alive else 0.0
            if sure < 0.05:
                continue
            near, far = (self.chart.metres(each, (contact.x, contact.y)) for each in (site, 1 - site))
            if near < far and near < 30:
                total += sure * (0.5 if contact.heard else 1.0)
        return total

    def mate_distance(self, view: View) -> float:
        """Return the distance to the teammate, infinite if there is none."""
        return math.dist(view.at, view.mate) if view.mate else math.inf
