"""Exploration with preferences: PPO on novelty and on the style of a few demonstrations, mixed by alpha.

One agent covers "stay on the demonstrated path" (alpha 0) to "explore freely" (alpha 1), since alpha and the preference
are drawn for every episode and fed to the policy.

Sources: Sestini et al. 2022, "CCPT", arXiv:2202.10057 (the mixed reward and the conditioning); "MultiGAIL",
arXiv:2308.07598 (one discriminator per preference, weighted by an auxiliary input).
"""
