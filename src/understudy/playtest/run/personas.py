"""From a persona of the spec to the agent that plays it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from understudy.agents.agent import Agent
from understudy.errors import PlaytestError
from understudy.playtest.persona import PersonaSpec
from understudy.spec import Action, BehaviorSpec, Observation

_PATIENCE_S = 10.0  # a server that was started together with the playtest takes a moment


def open_agent(persona: PersonaSpec, game: BehaviorSpec) -> Agent:
    """Return the persona's agent.

    Raises:
        SpecMismatchError: If the agent needs what the game does not offer.
        UnderstudyError: If its bundle or its server cannot be opened.
    """
    agent = _open(persona, game)
    agent.behavior.require_from(game, expected=f"the persona '{persona.name}'", where="the game")
    return agent


def _open(persona: PersonaSpec, game: BehaviorSpec) -> Agent:
    # Each kind needs packages that the others do without.
    match persona.agent:
        case "random":
            from understudy.agents.random import RandomAgent

            return RandomAgent(game)
        case "sticky":
            from understudy.playtest.baselines import StickyRandom

            return StickyRandom(game)
        case "retrieval":
            return _open_retrieval(persona, game)
        case "go_explore" | "navmesh":
            raise PlaytestError(
                f"The agent '{persona.agent}' is privileged: it needs the game itself, and plays in playtests only."
            )
        case "scripted":
            from understudy.agents.scripted import RayWalker

            return RayWalker(game)
        case "bundle" if persona.inspect:
            from understudy.agents.executing import open_executing

            return open_executing(persona.bundle, persona.inspect, persona.detector, style=persona.style_text)
        case "bundle":
            from understudy.agents.bundle import Bundle
            from understudy.agents.runtime import BundleAgent

            return BundleAgent(Bundle.load(Path(persona.bundle)), style=persona.style_text)
        case "remote":
            from understudy.serving.remote import RemoteAgent

            return RemoteAgent(persona.address, persona.bundle, patience_s=_PATIENCE_S, style=persona.style_text)


def _open_retrieval(persona: PersonaSpec, game: BehaviorSpec) -> Agent:
    from understudy.playtest.baselines import EncoderEmbedding, PictureEmbedding, RetrievalReplay, Shown
    from understudy.playtest.run.game import picture_sensor
    from understudy.recordings import open_recordings

    sensor = picture_sensor(game)
    if sensor is None:
        raise PlaytestError(f"The persona '{persona.name}' retrieves what looks alike, and the game shows no picture.")
    encoder = EncoderEmbedding(Path(persona.bundle)) if persona.bundle else None
    behavior = game.select(encoder.sensors if encoder else [sensor])
    shown = []
    for episode in (each for path in persona.demonstrations for each in open_recordings(path)):
        behavior.require_from(episode.behavior, expected=f"the persona '{persona.name}'", where="its demonstrations")
        shown.append(
            Shown(
                {name: episode.observation(name) for name in behavior.sensor_names},
                {name: episode.action(name) for name in behavior.action_names},
            )
        )
    return RetrievalReplay(behavior, shown, encoder or PictureEmbedding(sensor))


class Playback:
    """An agent that repeats recorded inputs, whatever it sees.

    Args:
        behavior: Of the game.
        inputs: By action part, shape (decisions, *part shape).

    Raises:
        PlaytestError: If the inputs are not those of this game.
    """

    def __init__(self, behavior: BehaviorSpec, inputs: Mapping[str, np.ndarray]) -> None:
        for part in behavior.actions:
            if part.name not in inputs or inputs[part.name].shape[1:] != part.shape:
                raise PlaytestError(
                    f"The finding's inputs do not fit the action part '{part.name}' of shape {part.shape}; replay it "
                    "with the build of the game that it was found in."
                )
        self.behavior = behavior
        self._inputs = {part.name: np.asarray(inputs[part.name], part.dtype) for part in behavior.actions}
        self._next = 0

    def reset(self, seed: int) -> None:  # noqa: ARG002
        """Start from the first input."""
        self._next = 0

    def act(self, observation: Observation) -> Action:  # noqa: ARG002
        """Return the next input."""
        index, self._next = self._next, self._next + 1
        return {name: values[index] for name, values in self._inputs.items()}

    def close(self) -> None:
        """Nothing to release."""


def save_inputs(path: Path, behavior: BehaviorSpec, actions: Sequence[Action]) -> None:
    """Write actions as one array per part into an `.npz` file."""
    arrays = {
        part.name: np.array([action[part.name] for action in actions], part.dtype).reshape(len(actions), *part.shape)
        for part in behavior.actions
    }
    np.savez_compressed(path, **arrays)  # type: ignore[arg-type]


def load_inputs(path: Path) -> dict[str, np.ndarray]:
    """Read actions by part, shape (decisions, *part shape).

    Raises:
        PlaytestError: If the file is not there or is not one of inputs.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (OSError, ValueError, BadZipFile) as error:
        raise PlaytestError(
            f"{path} does not hold a finding's inputs ({error}); replay the folder that a playtest wrote."
        ) from error
