"""Any desktop game as a `gymnasium.Env`: its window is watched, and keys and the mouse are used as a person would."""
