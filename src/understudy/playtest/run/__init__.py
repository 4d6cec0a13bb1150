"""One run: the process of its game, what that reports, and the trace it leaves."""
