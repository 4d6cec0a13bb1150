"""Profiles: a bundle as a model that an engine runs by itself, without a server.

Unity's ML-Agents and Godot RL Agents each read ONNX files with tensors of their own names and meanings. A profile takes
the bundle's graph apart between logits and actions and puts the engine's masks, noise and outputs there. It lets the
file go only if a loader written from the engine's contract accepts it, and if it plays as the bundle does. This needs
onnx and ONNX Runtime, no torch.
"""

from understudy.agents.profiles.check_godot import GodotModel, check_godot
from understudy.agents.profiles.check_unity import UnityModel, check_unity
from understudy.agents.profiles.exporting import PROFILES, Exported, export_profile
from understudy.agents.profiles.godot import GodotKey

__all__ = [
    "PROFILES",
    "Exported",
    "GodotKey",
    "GodotModel",
    "UnityModel",
    "check_godot",
    "check_unity",
    "export_profile",
]
