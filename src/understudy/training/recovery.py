"""How a trained run finds styles: of held-out play for measuring, and how often the style it finds is the right one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from understudy.agents.networks.style import StyleSpace
from understudy.recordings.cache import Span
from understudy.training.demonstrations import Demonstrations
from understudy.training.learner import Learner
from understudy.training.styles import Labels, Roster


def training_demonstrations(learner: Learner) -> Demonstrations | None:
    """What styles the sequences of a training; None for a recipe without styles."""
    if learner.labels is None:
        return None
    demonstrations = _demonstrations(learner, learner.split.train)
    demonstrations.require_some()
    return demonstrations


def style_finder(learner: Learner) -> Callable[[Span], Tensor]:
    """Return the function from held-out play to the style it is predicted with, (style_size,).

    Players who were trained on have their embedding. Others are known by their other held-out episodes, or if there are
    none, play without a style.
    """
    labels, space = _trained(learner)
    shown = _demonstrations(learner, _held_out(learner))
    size = learner.recipe.style_size

    @torch.no_grad()
    def find(span: Span) -> Tensor:
        episode = int(labels.episodes(np.array(span.start)))
        player, skill = int(labels.player[episode]), float(labels.skill[episode])
        if player >= 0:
            return with_skill(space.players[player].detach(), skill, size)
        rows = shown.of_others(episode)
        if rows is None:
            return with_skill(torch.zeros(space.players.shape[1]), skill, size)
        return with_skill(space.encoder(*shown.read(rows[None]))[0][0], skill, size)

    return find


def with_skill(style: Tensor, skill: float, style_size: int) -> Tensor:
    """Add skill to a style (size,), if the policy has a dial for it: (style_size,)."""
    return style if len(style) == style_size else torch.cat([style, style.new_tensor([skill])])


def persona_styles(roster: Roster, space: StyleSpace) -> dict[str, Tensor]:
    """The mean embedding of the players of each persona, (size,), by name."""
    return {name: space.players[roster.of_persona(name)].mean(0).detach() for name in roster.named}


@torch.no_grad()
def measure_styles(learner: Learner) -> dict[str, Any]:
    """Show the encoder held-out play and count how often its persona's style is the nearest.

    Returns:
        The styles' names, what guessing would recover, and the number of players; then, shown one episode at a time:
        how many, the share `recovered` and the mean error of skill; and `recovered_of_few`, shown each player's
        episodes, a few at a time.
    """
    labels, space = _trained(learner)
    shown = _demonstrations(learner, _held_out(learner))
    names = persona_styles(labels.roster, space)
    centers = torch.stack(list(names.values()))

    def recover(episodes: Sequence[int]) -> tuple[bool, float]:
        rows = np.concatenate([shown.of_episode(each) for each in episodes])
        style, skill = space.encoder(*shown.read(rows[None]))
        nearest = list(names)[int((centers - style).square().sum(-1).argmin())]
        return nearest == labels.persona[episodes[0]], abs(float(skill) - float(labels.skill[episodes[0]]))

    known = [each for each in shown.episodes if labels.persona[each] in names]
    singly = [recover([episode]) for episode in known]
    few = [recover(group) for group in _by_player(labels, known, _few(learner))]
    return {
        "names": list(names),
        "chance": 1 / len(names),
        "players": len(labels.roster.players),
        "demonstrations": len(singly),
        "recovered": float(np.mean([found for found, _ in singly])) if singly else None,
        "skill_error": float(np.mean([error for _, error in singly])) if singly else None,
        "recovered_of_few": float(np.mean([found for found, _ in few])) if few else None,
    }


def _few(learner: Learner) -> int:
    assert learner.recipe.style is not None
    return learner.recipe.style.episodes


def _by_player(labels: Labels, episodes: Sequence[int], most: int) -> list[list[int]]:
    """Episodes of each player, in groups of at most `most`."""
    of: dict[str, list[int]] = {}
    for episode in episodes:
        of.setdefault(labels.identity[episode], []).append(episode)
    return [mine[first : first + most] for mine in of.values() for first in range(0, len(mine), most)]


def _trained(learner: Learner) -> tuple[Labels, StyleSpace]:
    assert learner.labels is not None
    assert learner.average_styles is not None
    return learner.labels, learner.average_styles.cpu().eval()


def _held_out(learner: Learner) -> list[Span]:
    return [span for spans in learner.split.held_out.values() for span in spans]


def _demonstrations(learner: Learner, spans: Sequence[Span]) -> Demonstrations:
    assert learner.labels is not None
    assert learner.styles is not None
    assert learner.recipe.style is not None
    sensors = list(learner.styles.encoder.encoders)
    recipe, seed = learner.recipe.style, learner.recipe.loop.seed
    return Demonstrations(learner.cache, learner.codec, learner.labels, spans, sensors, recipe, seed)
