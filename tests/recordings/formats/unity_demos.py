"""Writes .demo files as Unity's recorder does, with its quirks: what the importer must read."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from understudy.recordings.formats import ImportOptions, LogEpisode, Loss, Rows
from understudy.recordings.formats.mlagents import MlagentsImporter
from understudy.recordings.formats.mlagents import demo_pb2 as pb

BRANCHES = (3, 2)
BRAIN = pb.BrainParametersProto(
    brain_name="Crawler?team=1",
    is_training=True,
    action_spec=pb.ActionSpecProto(num_continuous_actions=2, num_discrete_actions=2, discrete_branch_sizes=BRANCHES),
)
OLD_DISCRETE = pb.BrainParametersProto(
    brain_name="Old", vector_action_size_deprecated=BRANCHES, vector_action_space_type_deprecated=pb.discrete
)
OLD_CONTINUOUS = pb.BrainParametersProto(
    brain_name="Old", vector_action_size_deprecated=[2], vector_action_space_type_deprecated=pb.continuous
)


def delimited(message: pb.BrainParametersProto | pb.AgentInfoActionPairProto) -> bytes:
    """A message after its length."""
    data = message.SerializeToString()
    return varint(len(data)) + data


def varint(value: int) -> bytes:
    """A length as protobuf writes it."""
    groups = [value & 0x7F]
    while value := value >> 7:
        groups.append(value & 0x7F)
    return bytes([*(each | 0x80 for each in groups[:-1]), groups[-1]])


def demo_bytes(
    pairs: Sequence[pb.AgentInfoActionPairProto],
    brain: pb.BrainParametersProto = BRAIN,
    *,
    killed: bool = False,
    version: int = 1,
    name: str = "ExpertCrawler",
) -> bytes:
    """A whole file; a killed recorder's says nothing of its length and has no tail."""
    dones = sum(each.agent_info.done for each in pairs)
    rewards = sum(each.agent_info.reward for each in pairs)
    meta = pb.DemonstrationMetaProto(api_version=version, demonstration_name=name[:16])
    if not killed:
        meta.number_steps = len(pairs)
        # Closing counts one episode too many.
        meta.number_episodes = dones + 1
        meta.mean_reward = rewards / (dones + 1)
    raw = meta.SerializeToString()
    assert len(raw) <= 32
    start = (bytes([len(raw)]) + raw).ljust(33, b"\0")
    return start + delimited(brain) + b"".join(delimited(each) for each in pairs) + (b"" if killed else raw)


def write_demo(path: Path, pairs: Sequence[pb.AgentInfoActionPairProto], *args: object, **kwargs: object) -> Path:
    """Write `demo_bytes` to a file."""
    path.write_bytes(demo_bytes(pairs, *args, **kwargs))  # type: ignore[arg-type]
    return path


def vector(seed: int, size: int = 4) -> np.ndarray:
    """The numbers of a step."""
    return np.random.default_rng(seed).normal(size=size).astype(np.float32)


def floats(values: np.ndarray, name: str = "VectorSensor_size4") -> pb.ObservationProto:
    """An observation that is not compressed."""
    data = pb.ObservationProto.FloatData(data=values.ravel())
    return pb.ObservationProto(shape=values.shape, float_data=data, name=name)


def png(levels: np.ndarray) -> bytes:
    """A PNG of (height, width, 3) levels, by another library than the importer's."""
    buffer = io.BytesIO()
    Image.fromarray(levels).save(buffer, format="PNG")
    return buffer.getvalue()


def picture(
    files: Sequence[np.ndarray], shape: Sequence[int], mapping: Sequence[int] = (), name: str = "CameraSensor"
) -> pb.ObservationProto:
    """A compressed observation: PNGs one after the other."""
    return pb.ObservationProto(
        shape=shape,
        compression_type=pb.PNG,
        compressed_data=b"".join(png(each) for each in files),
        compressed_channel_mapping=mapping,
        name=name,
    )


def pair(
    observations: Sequence[pb.ObservationProto],
    *,
    continuous: Sequence[float] = (0.25, -1.0),
    discrete: Sequence[int] = (2, 0),
    old: Sequence[float] = (),
    reward: float = 0.0,
    done: bool = False,
    max_step: bool = False,
    agent: int = 0,
    mask: Sequence[bool] = (),
    group_reward: float = 0.0,
) -> pb.AgentInfoActionPairProto:
    """One decision."""
    info = pb.AgentInfoProto(
        reward=reward,
        done=done,
        max_step_reached=max_step,
        id=agent,
        action_mask=mask,
        observations=observations,
        group_reward=group_reward,
    )
    action = pb.AgentActionProto(vector_actions_deprecated=old)
    if not old:
        action.continuous_actions.extend(continuous)
        action.discrete_actions.extend(discrete)
    return pb.AgentInfoActionPairProto(agent_info=info, action_info=action)


def walk(steps: int, *, agent: int = 0, done: bool = True, seed: int = 0) -> list[pb.AgentInfoActionPairProto]:
    """An agent's episode of some steps: step t observes `vector(seed + t)` and its action brings the reward t + 1."""
    pairs = [
        pair([floats(vector(seed + step))], continuous=(step / 64, -1), discrete=(step % 3, step % 2), agent=agent)
        for step in range(steps + done)
    ]
    for step, each in enumerate(pairs):
        each.agent_info.reward = step
    if done:
        pairs[-1].agent_info.done = True
    return pairs


UNSETTLED = 1
"""The reward of a step comes with the pair after it, so a cut makes the last one unknown."""


def sample_log(folder: Path, seed: int) -> Path:
    """Write a small log of vectors and pictures: two whole episodes and one that just stops."""
    rng = np.random.default_rng(seed)
    pairs = [*walk(5 + seed, agent=1, seed=seed), *walk(3, agent=2), *walk(4, agent=3, done=False)]
    for each in pairs:
        levels = rng.integers(0, 256, (6, 8, 3), np.uint8)
        each.agent_info.observations.append(picture([levels], (3, 6, 8), [0, 1, 2]))
    return write_demo(folder / "Expert.demo", pairs)


class ReadEpisode:
    """An episode whose rows were read and joined."""

    def __init__(self, log: LogEpisode) -> None:
        self.log = log
        parts: list[Rows] = list(log.rows)
        self.parts = parts
        self.losses: list[Loss] = log.losses
        self.ending = parts[-1].ending if parts else None
        self.num_steps = sum(len(each) for each in parts)
        self.observations = _join([each.observations for each in parts])
        self.actions = _join([each.actions for each in parts])
        self.extras = _join([each.extras for each in parts])
        self.rewards = np.concatenate([each.rewards for each in parts if each.rewards is not None] or [np.zeros(0)])


def read_all(path: Path, **options: object) -> list[ReadEpisode]:
    """Read a file's episodes whole."""
    return list(iter_read(path, **options))


def iter_read(path: Path, **options: object) -> Iterator[ReadEpisode]:
    """Read a file's episodes one after the other."""
    for log in MlagentsImporter().iter_episodes(path, ImportOptions(**options)):  # type: ignore[arg-type]
        yield ReadEpisode(log)


def _join(columns: Sequence[object]) -> dict[str, np.ndarray]:
    names = dict.fromkeys(name for each in columns for name in each)  # type: ignore[attr-defined]
    return {name: np.concatenate([each[name] for each in columns]) for name in names}  # type: ignore[index]
