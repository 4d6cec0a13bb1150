"""The sizes and kinds of what lies between a policy's encoders and its actions, and the modules they ask for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from understudy.agents.networks.autoregressive import AutoregressiveHead
from understudy.agents.networks.codec import ActionCodec
from understudy.agents.networks.diffusion import DiffusionHead
from understudy.agents.networks.heads import FactoredHead, JointHead
from understudy.agents.networks.memory import GRUMemory, LSTMMemory, Memory, NoMemory
from understudy.agents.networks.transformer import TransformerMemory

Cell = Literal["gru", "lstm", "transformer"]
HeadKind = Literal["factored", "autoregressive", "diffusion"]


@dataclass(frozen=True)
class PolicyShape:
    """Sizes of what lies between the encoders and the heads.

    Attributes:
        hidden: Width of the layer that the memory reads from.
        memory: Width of the memory; 0 for a policy without one.
        cell: What kind of memory: `"gru"`, `"lstm"` or `"transformer"`.
        layers: Of a transformer.
        context: Decisions that a transformer looks back, besides the present one.
        past_actions: Whether the policy reads its own last action.
        bottleneck: Width that the encoders' features are squeezed to; 0 leaves them as they are.
        remember_sensors: Whether the memory reads the sensors; without, it reads past actions only, and what is seen
            acts at once or not at all.
        dropout: Share of the hidden layer and the memory's output that training drops.
        sensor_dropout: Share of the features, and of the bottleneck, that training drops.
        style: Numbers in the style that conditions the policy; 0 for one way to play.
        head: How the choices of an action hang together: `"factored"` (not at all), `"autoregressive"` (each on those
            before it) or `"diffusion"` (denoised together).
        head_width: Of the layer that keeps them together.
        denoising: Steps of the diffusion head.
        recall: How many of its last actions training asks the memory for, where it was not told them.
        recall_weight: Of that question's loss, beside those of the action parts.
    """

    hidden: int = 256
    memory: int = 256
    past_actions: bool = True
    bottleneck: int = 0
    remember_sensors: bool = True
    dropout: float = 0.0
    sensor_dropout: float = 0.0
    style: int = 0
    cell: Cell = "gru"
    layers: int = 2
    context: int = 32
    head: HeadKind = "factored"
    head_width: int = 128
    denoising: int = 8
    recall: int = 0
    recall_weight: float = 0.5


def build_memory(shape: PolicyShape) -> Memory:
    """Build the memory of a policy of this shape."""
    if not shape.memory:
        return NoMemory(shape.hidden)
    if shape.cell == "transformer":
        return TransformerMemory(shape.hidden, shape.memory, shape.layers, shape.context)
    return LSTMMemory(shape.hidden, shape.memory) if shape.cell == "lstm" else GRUMemory(shape.hidden, shape.memory)


def build_joint_head(shape: PolicyShape, codec: ActionCodec, inputs: int) -> JointHead:
    """Build the joint head of a policy of this shape, over an outlook of `inputs` numbers."""
    if shape.head == "factored" or codec.num_choices == 1:  # a single choice hangs together with nothing
        return FactoredHead(codec)
    if shape.head == "autoregressive":
        return AutoregressiveHead(codec, inputs, shape.head_width)
    return DiffusionHead(codec, inputs, shape.head_width, shape.denoising)
