"""A city park to test: an open world from a seed, on the Panda3D engine, with planted bugs and their ground truth."""
