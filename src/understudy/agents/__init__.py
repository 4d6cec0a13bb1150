"""Whatever acts. One protocol, `Agent`, for networks, scripts, people and remote servers."""

from __future__ import annotations

from understudy.agents.agent import Agent
from understudy.agents.bundle import Bundle, BundleCard, ParitySample, write_bundle
from understudy.agents.noise import uniform_noise
from understudy.agents.random import RandomAgent
from understudy.agents.runtime import BundleAgent, PolicyRuntime

__all__ = [
    "Agent",
    "Bundle",
    "BundleAgent",
    "BundleCard",
    "ParitySample",
    "PolicyRuntime",
    "RandomAgent",
    "uniform_noise",
    "write_bundle",
]
