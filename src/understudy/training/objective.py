"""What an update makes smaller: the surprise at people's actions, and for styles what keeps their space in order."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from understudy.agents.networks import Policy
from understudy.agents.networks.style import StyleSpace
from understudy.training.data import Window
from understudy.training.demonstrations import Conditions
from understudy.training.embed import FEATURES
from understudy.training.recipe import Recipe
from understudy.training.self_supervision import SelfSupervision
from understudy.training.styles import Roster

_NAMELESS = -100
_STYLE_TERMS = ("style_align", "style_prior", "style_skill", "style_naming", "style_independence")


class Objective(nn.Module):
    """All that is differentiated in an update, as one module, so that one wrapper can average its gradients.

    Args:
        policy: To train.
        recipe: Says the weights of the terms.
        class_weights: By head, (choices, classes), or None.
        styles: For a recipe with styles, with the roster.
        roster: The players of `styles`.
        self_supervision: For a recipe with it.
        average: The average of the policy's weights, for self-supervision that tells its embeddings.
        processes: That each hold a part of the batch; the mean of their losses is that of the whole batch.
        bf16: Whether to compute in bfloat16.
        compiled: Whether to compile the policy.
    """

    def __init__(
        self,
        policy: Policy,
        recipe: Recipe,
        class_weights: Sequence[Tensor | None],
        styles: StyleSpace | None = None,
        roster: Roster | None = None,
        self_supervision: SelfSupervision | None = None,
        average: Policy | None = None,
        *,
        processes: int = 1,
        bf16: bool = False,
        compiled: bool = False,
    ) -> None:
        super().__init__()
        self.policy = policy
        self.styles = styles
        self.self_supervision = self_supervision
        self._recipe, self._weights = recipe, class_weights
        self._processes, self._bf16 = processes, bf16
        # Methods, not modules, so that no parameter is here twice.
        self._read = torch.compile(policy.forward) if compiled else policy.forward
        self._decide = torch.compile(policy.decide) if compiled else policy.decide
        self._encode = torch.compile(policy.encode) if compiled else policy.encode
        self._observe = torch.compile(policy.observe) if compiled else policy.observe
        self._teacher = _teacher(average, recipe)
        told = (_skills_apart(roster), *_personas(roster)) if roster is not None else (torch.empty(0),) * 3
        device = next(policy.parameters()).device
        self._skills, self._personas, self._centering = (each.to(device) for each in told)

    @property
    def names(self) -> list[str]:
        """Of the terms, in their order."""
        styles = _STYLE_TERMS if self.styles is not None else ()
        return [*self.policy.loss_names, *styles, *(self.self_supervision.names if self.self_supervision else ())]

    def forward(self, window: Window, past: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        """Compute the losses of a window.

        Args:
            window: Of this process' sequences.
            past: The window's past actions, some of them hidden.
            memory: Before the window, (batch, state_size).

        Returns:
            The terms in the order of `names`, in nats, weighted; and the memory after the window.
        """
        terms: list[Tensor] = []
        with torch.autocast(window.valid.device.type, torch.bfloat16, enabled=self._bf16):
            style = None
            if self.styles is not None and window.conditions is not None:
                style, terms = self._style(self.styles, window.conditions, window.whole)
            known, memory, more = self._known(window, past, memory, style)
            terms = [*terms, *more]
        return torch.stack([*self._nats(known.float(), past, window), *terms]), memory

    def _known(
        self, window: Window, past: Tensor, memory: Tensor, style: Tensor | None
    ) -> tuple[Tensor, Tensor, list[Tensor]]:
        """What is known, the memory after the window, and the terms of any self-supervision."""
        more = () if style is None else (style,)
        if self.self_supervision is not None:
            return self._supervise_itself(self.self_supervision, window, past, memory, more)
        if FEATURES in window.sensors:
            return *self._decide(window.sensors[FEATURES], past, memory, *more), []
        return *self._read(window.sensors, past, memory, *more), []

    def _supervise_itself(
        self, lesson: SelfSupervision, window: Window, past: Tensor, memory: Tensor, style: tuple[Tensor, ...]
    ) -> tuple[Tensor, Tensor, list[Tensor]]:
        features = encode_window(self._encode, window)
        known, memory, seen, remembered = self._observe(features, past, memory, *style)
        target = seen if self._teacher is None else self._teacher(window)
        total = window.num_valid.clamp(min=1) / self._processes
        return known, memory, lesson(seen, target, remembered, window.targets, window.valid, total)

    def _nats(self, known: Tensor, past: Tensor, window: Window) -> list[Tensor]:
        # A window after the ends of all its spans holds no step; its loss is nought.
        total = window.num_valid.clamp(min=1) / self._processes
        nats = self.policy.losses(known, window.targets, window.past, past, self._weights)
        return [(each * window.valid).sum() / total for each in nats.values()]

    def _style(self, space: StyleSpace, given: Conditions, whole: int) -> tuple[Tensor, list[Tensor]]:
        """The style of each sequence, (batch, style_size), and the terms in the order of `_STYLE_TERMS`."""
        recipe = self._recipe.style
        assert recipe is not None
        share = self._processes / whole
        points = space.players[given.player]
        distance = skill_error = points.new_zeros(())
        style = points
        if len(given.shown):
            found, skill = space.encoder(given.sensors, given.choices)
            distance = (found - points[given.shown]).square().mean(-1).sum()
            skill_error = (skill - given.skill[given.shown]).square().sum()
            style = points.index_copy(0, given.shown, found)
        else:
            # Another process may read one; the gradients of all processes must be of the same parameters.
            distance = torch.stack([each.sum() for each in space.encoder.parameters()]).sum() * 0
        size = style.square().sum(-1).sum() / 2
        # Without noise the policy could tell any two players apart, and what lies between them would mean nothing.
        style = style + given.noise
        naming = self._naming(space, style, self._personas[given.player])
        style = style * given.kept.unsqueeze(-1)
        if recipe.skill is not None:
            style = torch.cat([style, given.skill.unsqueeze(-1)], -1)
        tied = recipe.independence * self._tie_to_skill(space)
        weighted = (recipe.align * distance, recipe.prior * size, skill_error, recipe.naming * naming)
        return style, [*(each * share for each in weighted), tied]

    def _naming(self, space: StyleSpace, style: Tensor, persona: Tensor) -> Tensor:
        """The surprise at each sequence's persona, summed, if all styles lay around their persona's mean as noise does.

        So the named styles come to lie a few standard deviations of the noise apart, and no further.
        """
        assert self._recipe.style is not None
        centers = self._centering @ space.players
        distances = (style.unsqueeze(1) - centers).square().sum(-1) / (2 * self._recipe.style.noise**2)
        return nn.functional.cross_entropy(-distances, persona, ignore_index=_NAMELESS, reduction="sum")

    def _tie_to_skill(self, space: StyleSpace) -> Tensor:
        """How much players' styles tell of their skill, linearly, among those of one persona: nought if nothing.

        What style tells of skill, the skill dial would not change.
        """
        return (self._skills @ space.players).square().sum()


def encode_window(encode: Callable[[dict[str, Tensor]], Tensor], window: Window) -> Tensor:
    """Return a window's features, (batch, time, features), by a policy's `encode` unless they were embedded before."""
    if FEATURES in window.sensors:
        return window.sensors[FEATURES]
    flat = encode({name: value.flatten(0, 1) for name, value in window.sensors.items()})
    return flat.reshape(*window.valid.shape, -1)


def _teacher(average: Policy | None, recipe: Recipe) -> Callable[[Window], Tensor] | None:
    """What embeds a window by the average of the weights, if the recipe asks for it: a function, to hold no module."""
    part = recipe.self_supervised
    if average is None or part is None or part.target != "average":
        return None
    average.eval()
    return torch.no_grad()(lambda window: average.squeeze(encode_window(average.encode, window)))


def _personas(roster: Roster) -> tuple[Tensor, Tensor]:
    """Number of each player's persona, int64, (players,); and the weights of its players' mean, (personas, players)."""
    names = roster.named
    numbers = torch.tensor([names.index(each) if each else _NAMELESS for each in roster.personas])
    members = (numbers == torch.arange(len(names)).unsqueeze(1)).float()
    return numbers, members / members.sum(1, keepdim=True)


def _skills_apart(roster: Roster) -> Tensor:
    """Skills less their persona's mean, in standard deviations, over the number of players, float32, (players,)."""
    skills = torch.tensor(roster.skills)
    for persona in set(roster.personas):
        mine = torch.tensor(roster.of_persona(persona))
        skills[mine] -= skills[mine].mean()
    return skills / skills.square().mean().sqrt().clamp(min=1e-6) / len(skills)
