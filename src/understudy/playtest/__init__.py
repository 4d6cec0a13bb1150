"""Automated playtests: spec in, verdict and replayable findings out."""
