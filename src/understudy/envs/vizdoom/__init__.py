"""Doom played by ViZDoom, in this process and without a display."""
