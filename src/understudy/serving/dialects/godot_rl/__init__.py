"""Godot RL Agents: games that were made for its trainer play with our bundles, without a plug-in of ours.

The game's `Sync` node connects to TCP 11008 and lets itself be driven: handshake, environment info, reset, then one
action for each step. Here we are what the plug-in calls the Python side. Facts about the protocol are from the public
sources of `godot_rl_agents` and its plug-in, both for the newer form (a list of spaces, `agent_policy_names`) and the
older (one dict of spaces for all agents).
"""

from understudy.serving.dialects.godot_rl.dialect import DEFAULT_PORT, GodotRl
from understudy.serving.dialects.godot_rl.options import GodotRlOptions

__all__ = ["DEFAULT_PORT", "GodotRl", "GodotRlOptions"]
