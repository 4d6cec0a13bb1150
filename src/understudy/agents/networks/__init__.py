"""Policy networks in torch. Only training and export need them; playing a bundle does not."""

from __future__ import annotations

from understudy.agents.networks.autoregressive import AutoregressiveHead
from understudy.agents.networks.codec import ActionCodec, Bins, Head, ListedBins, MuLawBins
from understudy.agents.networks.diffusion import DiffusionHead
from understudy.agents.networks.encoders import InGraphPixels, PixelEncoder, VectorEncoder
from understudy.agents.networks.film import FiLM
from understudy.agents.networks.graph import DecisionGraph
from understudy.agents.networks.heads import FactoredHead, JointHead, Play
from understudy.agents.networks.memory import GRUMemory, LSTMMemory, Memory
from understudy.agents.networks.policy import Policy
from understudy.agents.networks.ray_grid import RayGridEncoder
from understudy.agents.networks.recall import RECALL, Recall
from understudy.agents.networks.shape import PolicyShape
from understudy.agents.networks.transformer import TransformerMemory

__all__ = [
    "RECALL",
    "ActionCodec",
    "AutoregressiveHead",
    "Bins",
    "DecisionGraph",
    "DiffusionHead",
    "FactoredHead",
    "FiLM",
    "GRUMemory",
    "Head",
    "InGraphPixels",
    "JointHead",
    "LSTMMemory",
    "ListedBins",
    "Memory",
    "MuLawBins",
    "PixelEncoder",
    "Play",
    "Policy",
    "PolicyShape",
    "RayGridEncoder",
    "Recall",
    "TransformerMemory",
    "VectorEncoder",
]
