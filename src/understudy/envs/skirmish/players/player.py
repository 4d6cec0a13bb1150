"""A scripted player: intents, fights, looks and steps, put together into one action per decision."""

from __future__ import annotations

import random
from typing import NamedTuple

from understudy.envs.skirmish.players.attacking import Attacker
from understudy.envs.skirmish.players.chart import Chart, chart_of
from understudy.envs.skirmish.players.defending import Defender
from understudy.envs.skirmish.players.fidgeting import Fidgeting
from understudy.envs.skirmish.players.gaze import Gaze
from understudy.envs.skirmish.players.gunplay import Fight, Gunplay
from understudy.envs.skirmish.players.mind import ATTACK, Briefing, Mind, Order
from understudy.envs.skirmish.players.motor import Motor
from understudy.envs.skirmish.players.personas import draw_habits, find_persona
from understudy.envs.skirmish.players.skills import draw_skills
from understudy.envs.skirmish.players.throwing import Throwing
from understudy.envs.skirmish.players.view import View
from understudy.envs.skirmish.players.walker import step_towards
from understudy.envs.skirmish.rules import ARSENAL, WEAPONS

RUN, WALK, CROUCH = range(3)
NO_ACT, USE, ABILITY, RELOAD = range(4)
_MAGAZINES = tuple(ARSENAL[name].magazine for name in WEAPONS)
_MOST_TURN, _MOST_PITCH = 60.0, 30.0
_CALM_S = 1.2
"""Reloads if no enemy was known for so long; a careless player earlier."""

_SNIPES_FROM_M = 20.0


class Deed(NamedTuple):
    """One decision's action: choices by index, angles in degrees (positive right and up)."""

    move: int
    gait: int
    turn: float
    pitch: float
    fire: int
    act: int


_NOTHING = Deed(0, RUN, 0.0, 0.0, 0, NO_ACT)


class ScriptedPlayer:
    """Plays one agent of a `World` through `View`s of it; the same views and seeds give the same actions."""

    def __init__(self, persona: str, skill: float = 0.5, identity: int = 0) -> None:
        """Draw an individual.

        Args:
            persona: A name of `PERSONAS`.
            skill: 0 to 1.
            identity: Which individual: draws small differences of all dials from the persona's.

        Raises:
            GameError: If there is no such persona, or `skill` is out of range.
        """
        kind = find_persona(persona)
        rng = random.Random(f"{persona}-{identity}")
        self.persona = persona
        self.skill = skill
        self.identity = identity
        self.habits = draw_habits(kind, rng)
        self.skills = draw_skills(skill, rng)
        self._taste = rng.getrandbits(32)
        self._chart: Chart | None = None
        self.intent = ""

    @property
    def weapon(self) -> str:
        """What it buys if it can: a sniper rifle for who likes it far, else a rifle."""
        return "sniper" if self.habits.range > _SNIPES_FROM_M else "rifle"

    @property
    def name(self) -> str:
        """The individual's name, such as `"rusher-07"`."""
        return f"{self.persona}-{self.identity:02d}"

    def begin(self, level: str | Chart, side: int, slot: int, seed: int, call: int) -> None:
        """Begin a round, remembering nothing of the one before.

        Args:
            level: The level's name, or its chart.
            side: 0 to attack, 1 to defend.
            slot: 0 or 1.
            seed: Of this player's chance in this round.
            call: What the team agreed on: the same number for both teammates.
        """
        chart = chart_of(level) if isinstance(level, str) else level
        rng = random.Random(f"{self.name}/{seed}")
        mind = Mind(self.habits, self.skills, chart, Briefing(side, slot, call, self._taste), rng)
        self._mind = mind
        self.role: Attacker | Defender = Attacker(mind) if side == ATTACK else Defender(mind)
        self._gunplay = Gunplay(mind)
        self._gaze = Gaze(mind)
        self._throwing = Throwing(mind)
        self._fidgeting = Fidgeting(mind)
        self._motor = Motor(self.skills.motor, rng)
        self._chart = chart

    def act(self, view: View) -> Deed:
        """Decide once."""
        if not view.alive:
            return _NOTHING
        mind = self._mind
        mind.perception.update(view)
        order = self.role.decide(view)
        fight = None if order.committed else self._gunplay.fight(view)
        self.intent = "fight" if fight else order.intent
        way = self._way(view, order)
        aim = fight.aim if fight else self._gaze.aim(view, order, way)
        throw = None if fight else self._throwing.consider(view, order)
        if throw is not None:
            aim = throw.aim
        turn, pitch = self._motor.step((aim.yaw, aim.pitch), aim.width, 1 / view.decision_hz, aim.drift)
        turn = min(max(turn, -_MOST_TURN), _MOST_TURN)
        pitch = min(max(pitch, -_MOST_PITCH), _MOST_PITCH)
        act = ABILITY if throw is not None and throw.release else self._hands(view, order, fight)
        move, gait = self._legs(view, order, fight, way)
        return Deed(move, gait, turn, pitch, int(fight is not None and fight.fire), act)

    def _way(self, view: View, order: Order) -> float | None:
        """Where the order's way leads now, as a heading."""
        walker = self._mind.walker
        if order.goal is None:
            walker.stop()
            return None
        walker.go(view.at, order.goal)
        return walker.heading(view.at, view.clock)

    def _legs(self, view: View, order: Order, fight: Fight | None, way: float | None) -> tuple[int, int]:
        want = way if fight is None or fight.keeps_way else fight.move
        gait = WALK if order.walk and fight is None else RUN
        if (fight.crouch if fight else order.crouch) and want is None:
            gait = CROUCH
        elif want is None and fight is None and not order.use:
            return self._fidgeting.step(view), gait
        return (0 if want is None else step_towards(view.heading, want)), gait

    def _hands(self, view: View, order: Order, fight: Fight | None) -> int:
        """Plant or defuse, or reload when it is calm."""
        if order.use and (fight is None or order.committed):
            return USE
        full = _MAGAZINES[view.weapon]
        if view.reload_left > 0 or view.magazine >= full:
            return NO_ACT
        if view.magazine == 0:
            return RELOAD
        if fight is None and view.magazine < self.habits.reload_below * full:
            calm = _CALM_S if self.skills.judgement > 0.5 else 0.3
            return RELOAD if self._mind.fresh(view, calm) is None else NO_ACT
        return NO_ACT
