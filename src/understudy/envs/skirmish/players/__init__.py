"""Scripted players of skirmish: seven personas, a skill dial, and individuals of each."""

from understudy.envs.skirmish.players.looking import look
from understudy.envs.skirmish.players.personas import PERSONAS, Habits, Persona
from understudy.envs.skirmish.players.player import Deed, ScriptedPlayer
from understudy.envs.skirmish.players.skills import Skills
from understudy.envs.skirmish.players.view import View

__all__ = ["PERSONAS", "Deed", "Habits", "Persona", "ScriptedPlayer", "Skills", "View", "look"]
