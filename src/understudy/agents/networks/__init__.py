"""Policy networks in torch. Only training and export need them; playing a bundle does not."""

from __future__ import annotations

from understudy.agents.networks.codec import ActionCodec, Bins, Head, ListedBins, MuLawBins
from understudy.agents.networks.encoders import InGraphPixels, PixelEncoder, VectorEncoder
from understudy.agents.networks.policy import DecisionGraph, Policy, PolicyShape

__all__ = [
    "ActionCodec",
    "Bins",
    "DecisionGraph",
    "Head",
    "InGraphPixels",
    "ListedBins",
    "MuLawBins",
    "PixelEncoder",
    "Policy",
    "PolicyShape",
    "VectorEncoder",
]
