"""Findings: bugs with their replays, how surely they reproduce, and the shortest inputs that show them."""
