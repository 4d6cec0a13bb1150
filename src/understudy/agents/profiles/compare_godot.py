"""A Godot model and its bundle play the same observations, each carrying its own state.

A model that takes the likeliest actions remembers having done so, which the bundle by itself seldom does. So the bundle
goes on from the model's memory, and that memory is compared by showing the bundle other noise until it acts the same.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from understudy.agents.bundle import Bundle
from understudy.agents.profiles.godot import observation_keys
from understudy.agents.profiles.layout import Layout
from understudy.agents.profiles.nodes import Model
from understudy.agents.profiles.parity import (
    BOTS,
    STEPS,
    Parity,
    class_logits_of,
    classes_of,
    known_to,
    likeliest_of,
    noise_of,
    numbers_of,
    observations_of,
)
from understudy.agents.profiles.sessions import open_model
from understudy.agents.runtime import PARITY_TOLERANCE, PolicyRuntime
from understudy.errors import BundleError

_STEERED_EVERY = 8
"""Steps; in between only what the memory leads to is compared, since steering takes many decisions."""
_STEERING_ROUNDS = 8
_STEERING_ROWS = 64


def compare_godot(
    model: Model, bundle: Bundle, layout: Layout, *, stateful: bool, sampled: bool, steps: int = STEPS
) -> Parity:
    """Play a Godot model; one that draws its actions takes its noise as an input.

    Args:
        model: Its graph.
        bundle: It was made of.
        layout: Of the bundle's logits.
        stateful: Whether the model carries a memory.
        sampled: Whether it draws its actions.
        steps: To play.

    Raises:
        BundleError: If it does not play as the bundle does.
    """
    play = _Play(model, bundle, layout, stateful)
    for step, observation in enumerate(observations_of(bundle, steps)):
        scores, numbers, next_sent = play.ask_model(observation, noise_of(bundle, step))
        picked = np.stack([each.argmax(1) for each in scores], 1) if scores else np.zeros((BOTS, 0))
        if sampled:
            play.compare_drawn(observation, noise_of(bundle, step), picked, numbers, next_sent)
        else:
            play.compare_likeliest(observation, scores, picked, numbers)
            if stateful and step % _STEERED_EVERY == 0:
                play.compare_memory(observation, picked, numbers, next_sent)
            play.follow(next_sent)
        play.sent = next_sent
    play.parity.steps = steps
    play.parity.require("The Godot model")
    if stateful and not play.parity.states:
        raise BundleError("The memory of the Godot model could not be compared with the bundle's; it was not written.")
    return play.parity


class _Play:
    """Both sides of the comparison, between two steps."""

    def __init__(self, model: Model, bundle: Bundle, layout: Layout, stateful: bool) -> None:
        self.parity = Parity()
        self._bundle = bundle
        self._layout = layout
        self._stateful = stateful
        self._session = open_model(model)
        self._runtime = PolicyRuntime(bundle)
        self._state = np.zeros((BOTS, bundle.state_size), np.float32)
        # The plug-in sends 1 to a model that remembers nothing.
        self.sent: np.ndarray = self._state if stateful else np.ones(BOTS, np.float32)

    def ask_model(
        self, observation: Mapping[str, np.ndarray], noise: np.ndarray
    ) -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
        """Return the model's scores of each choice, its numbers, and its next memory."""
        keys = observation_keys(self._bundle)
        feed = {key: observation[each.name].reshape(BOTS, -1).astype(np.float32) for key, each in keys.items()}
        feed |= {"noise": noise, "state_ins": self.sent}
        output, next_sent = self._session.run(["output", "state_outs"], known_to(self._session, feed))
        return *split_output(self._bundle, self._layout, output), next_sent

    def compare_drawn(
        self,
        observation: Mapping[str, np.ndarray],
        noise: np.ndarray,
        picked: np.ndarray,
        numbers: np.ndarray,
        next_sent: np.ndarray,
    ) -> None:
        """Compare what both draw at the same noise, each with its own memory."""
        actions, self._state = self._runtime.step(self._sensors(observation), self._state, noise)
        self.parity.add_choices(classes_of(self._bundle, self._layout, actions), picked)
        self.parity.add_numbers(numbers_of(self._bundle, actions), numbers)
        if self._stateful:
            self.parity.add_states(self._state, next_sent)

    def compare_likeliest(
        self, observation: Mapping[str, np.ndarray], scores: list[np.ndarray], picked: np.ndarray, numbers: np.ndarray
    ) -> None:
        """Compare the scores, up to what is added to all of a choice, the likeliest classes, and the numbers."""
        sensors = self._sensors(observation)
        logits = self._runtime.logits(sensors, self._state)
        for choice, score in zip(self._layout.choices, scores, strict=True):
            expected = class_logits_of(choice, logits)
            self.parity.add_numbers(_from_lowest(expected), _from_lowest(score))
        self.parity.add_choices(likeliest_of(self._layout, logits), picked)
        half = np.full((BOTS, self._bundle.noise_size), 0.5, np.float32)
        middle, self._after_half = self._runtime.step(sensors, self._state, half)
        self.parity.add_numbers(numbers_of(self._bundle, middle), numbers)

    def compare_memory(
        self,
        observation: Mapping[str, np.ndarray],
        picked: np.ndarray,
        numbers: np.ndarray,
        next_sent: np.ndarray,
    ) -> None:
        """Compare the memory of each bot for which noise is found that makes the bundle act as the model did."""
        rng = np.random.default_rng(0)
        for bot in range(BOTS):
            rows = [np.repeat(each[bot : bot + 1], _STEERING_ROWS, 0) for each in self._sensors(observation)]
            state = np.repeat(self._state[bot : bot + 1], _STEERING_ROWS, 0)
            for _ in range(_STEERING_ROUNDS):
                noise = rng.random((_STEERING_ROWS, self._bundle.noise_size), np.float32)
                noise[rng.random(noise.shape) < 0.5] = 0.5
                actions, after = self._runtime.step(rows, state, noise)
                same = (classes_of(self._bundle, self._layout, actions) == picked[bot]).all(1)
                found = numbers_of(self._bundle, actions)
                same &= np.isclose(found, numbers[bot], atol=PARITY_TOLERANCE).all(1)
                if same.any():
                    first = int(same.argmax())
                    self.parity.add_states(after[first : first + 1], next_sent[bot : bot + 1])
                    break

    def follow(self, next_sent: np.ndarray) -> None:
        """Go on from the model's memory; without one, from the bundle's own, which must not matter."""
        self._state = next_sent if self._stateful else self._after_half

    def _sensors(self, observation: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        return [observation[name] for name in self._bundle.behavior.sensor_names]


def split_output(bundle: Bundle, layout: Layout, output: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
    """Read a Godot model's row as the plug-in does: the scores of each choice, and all numbers."""
    scores, numbers, at = [], [np.zeros((len(output), 0))], 0
    for name in bundle.behavior.action_names:
        for choice in (each for each in layout.choices if each.part.name == name):
            scores.append(output[:, at : at + choice.classes])
            at += choice.classes
        for part in (each for each in layout.numbers if each.name == name):
            numbers.append(output[:, at : at + part.num_labels])
            at += part.num_labels * (2 if layout.choices else 1)
    return scores, np.concatenate(numbers, 1)


def _from_lowest(scores: np.ndarray) -> np.ndarray:
    return scores - scores.min(1, keepdims=True)
