"""Writes a .demo file pair by pair; `demo.proto` says in which order, `rows` what a pair holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from google.protobuf.message import Message

from understudy.errors import RecordingError
from understudy.recordings.formats.mlagents import demo_pb2 as pb
from understudy.recordings.formats.mlagents.actions import ActionCodec
from understudy.recordings.formats.mlagents.framing import META_BYTES
from understudy.recordings.formats.mlagents.observations import is_picture
from understudy.recordings.formats.mlagents.pictures import encode_pictures
from understudy.recordings.formats.stored import provenance_text
from understudy.recordings.reader import Episode
from understudy.spec import BehaviorSpec, Json, Observation, SensorSpec

VERSION = 1
"""Of the format, as ML-Agents' current recorder writes it."""

_NAME_CHARACTERS = 16
_ROWS_AT_ONCE = 64


@dataclass(frozen=True)
class _Brought:
    """What an action brought, told with the next pair: the reward (NaN where unknown), and the group's."""

    reward: float = 0.0
    group_reward: float = 0.0


class DemoWriter:
    """Writes episodes of one behaviour; use it as a context manager.

    Args:
        path: Of the new file.
        behavior: Of the episodes.
        channels_first: Give pictures' shapes as (channels, height, width).
    """

    def __init__(self, path: Path, behavior: BehaviorSpec, *, channels_first: bool) -> None:
        self._behavior = behavior
        self._channels_first = channels_first
        self._codec = ActionCodec(behavior.actions)
        self._num_pairs = self._num_episodes = 0
        self._total_reward = 0.0
        self._file = path.open("wb")
        self._file.write(bytes(META_BYTES + 1))
        self._append(_brain(behavior, self._codec))

    def write(self, episode: Episode, agent: int) -> Iterator[int]:
        """Write an episode as an agent's, and yield how many steps were written since last time."""
        extras = _extras(episode, self._codec)
        brought, last = _Brought(), None
        rewards, ticks, times, events = episode.reward, episode.tick, episode.time_ns, episode.events
        if np.isinf(rewards).any():
            raise RecordingError(f"{episode.name} holds a reward that is infinite, which ML-Agents refuses.")
        for start in range(0, episode.num_steps, _ROWS_AT_ONCE):
            rows = slice(start, min(start + _ROWS_AT_ONCE, episode.num_steps))
            seen = {name: episode.observation(name, rows) for name in self._behavior.sensor_names}
            done = {name: episode.action(name, rows) for name in self._behavior.action_names}
            for row, step in enumerate(range(rows.start, rows.stop)):
                last = {name: values[row] for name, values in seen.items()}
                pair = self._pair(last, agent, brought)
                pair.action_info.CopyFrom(self._codec.encode({name: values[row] for name, values in done.items()}))
                pair.agent_info.action_mask.extend(extras["action_mask"][step].astype(bool).tolist())
                own = pair.understudy
                own.tick, own.time_ns = int(ticks[step]), int(times[step])
                own.events.extend(events[step])
                if step == 0:
                    own.provenance = provenance_text(episode.provenance)
                self._append(pair)
                brought = _Brought(float(rewards[step]), float(extras["group_reward"][step]))
            yield rows.stop - rows.start
        if last is not None:
            self._end(episode, agent, last, brought)

    def close(self) -> None:
        """Write how much the file holds: at its end without a length, and at its beginning."""
        raw = self._meta().SerializeToString()
        self._file.write(raw)
        self._file.seek(0)
        self._file.write(bytes([len(raw)]) + raw)
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _end(self, episode: Episode, agent: int, last: Observation, brought: _Brought) -> None:
        """Write the pair that is done, without which ML-Agents joins an episode to the next."""
        final = episode.final_observation()
        pair = self._pair(last if final is None else final, agent, brought)
        pair.action_info.CopyFrom(self._codec.nothing())
        pair.agent_info.done = True
        pair.agent_info.max_step_reached = not episode.terminated
        pair.understudy.terminated, pair.understudy.truncated = episode.terminated, episode.truncated
        pair.understudy.observation_unknown = final is None
        self._append(pair)
        self._num_episodes += 1

    def _pair(self, observation: Observation, agent: int, brought: _Brought) -> pb.AgentInfoActionPairProto:
        known = not np.isnan(brought.reward)
        pair = pb.AgentInfoActionPairProto(
            agent_info=pb.AgentInfoProto(
                id=agent,
                reward=brought.reward if known else 0,
                group_reward=brought.group_reward,
                observations=[self._observation(each, observation[each.name]) for each in self._behavior.sensors],
            ),
            understudy=pb.UnderstudyStepProto(reward_unknown=not known),
        )
        self._num_pairs += 1
        self._total_reward += pair.agent_info.reward
        return pair

    def _observation(self, sensor: SensorSpec, values: np.ndarray) -> pb.ObservationProto:
        return _picture(sensor, values, self._channels_first) if is_picture(sensor) else _floats(sensor, values)

    def _append(self, message: Message) -> None:
        data = message.SerializeToString()
        self._file.write(_varint(len(data)) + data)

    def _meta(self) -> pb.DemonstrationMetaProto:
        """The meta data, with as much of the name as Unity writes and as fits."""
        meta = pb.DemonstrationMetaProto(
            api_version=VERSION,
            number_steps=self._num_pairs,
            number_episodes=self._num_episodes,
            mean_reward=self._total_reward / max(1, self._num_episodes),
        )
        room = META_BYTES - len(meta.SerializeToString()) - 2
        name = self._behavior.name.encode("ascii", "replace")[: min(room, _NAME_CHARACTERS)]
        meta.demonstration_name = name.decode()
        return meta


def _brain(behavior: BehaviorSpec, codec: ActionCodec) -> pb.BrainParametersProto:
    return pb.BrainParametersProto(
        brain_name=f"{behavior.name}?team=0",
        action_spec=pb.ActionSpecProto(
            num_continuous_actions=codec.num_continuous,
            num_discrete_actions=len(codec.branches),
            discrete_branch_sizes=codec.branches,
        ),
        understudy=behavior.to_json(),
    )


def _floats(sensor: SensorSpec, values: np.ndarray) -> pb.ObservationProto:
    """An observation that is not compressed, at least one number wide."""
    with np.errstate(over="ignore", invalid="ignore"):
        numbers = np.asarray(values, np.float32)
        rounded = values.dtype.kind in "iu" and (numbers.astype(values.dtype) != values).any()
    if rounded or not np.isfinite(numbers).all():
        raise RecordingError(
            f"Sensor '{sensor.name}' holds {values.ravel()[:4].tolist()}, which a .demo's float32 cannot hold. "
            "Export without this sensor, or scale it."
        )
    kept = sensor.computed.get("mlagents")
    kept = kept if isinstance(kept, Mapping) else {}
    return pb.ObservationProto(
        name=sensor.name,
        shape=values.shape or (1,),
        float_data=pb.ObservationProto.FloatData(data=numbers.ravel()),
        dimension_properties=_properties(kept.get("dimension_properties"), values.ndim),
        observation_type=pb.GOAL_SIGNAL if kept.get("goal") else pb.DEFAULT,
    )


def _properties(found: Json, ndim: int) -> list[int]:
    known = [each for each in found if isinstance(each, int)] if isinstance(found, Sequence) else []
    return known if len(known) == ndim else []


def _picture(sensor: SensorSpec, levels: np.ndarray, channels_first: bool) -> pb.ObservationProto:
    data, mapping = encode_pictures(levels)
    height, width, channels = levels.shape
    return pb.ObservationProto(
        name=sensor.name,
        shape=(channels, height, width) if channels_first else (height, width, channels),
        compression_type=pb.PNG,
        compressed_data=data,
        compressed_channel_mapping=mapping,
    )


def _extras(episode: Episode, codec: ActionCodec) -> dict[str, np.ndarray]:
    """The extras that the format knows, of each step; none forbidden and nothing got where the recording has none."""
    steps = episode.num_steps
    found = {"action_mask": np.zeros((steps, 0), np.uint8), "group_reward": np.zeros(steps, np.float32)}
    for name, shape in (("action_mask", (sum(codec.branches),)), ("group_reward", ())):
        space = episode.layout.extras.get(name)
        if space is not None and tuple(space.shape) == shape:
            found[name] = episode.extra(name)
    return found


def _varint(value: int) -> bytes:
    data = bytearray()
    while value >= 0x80:
        data.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*data, value])
