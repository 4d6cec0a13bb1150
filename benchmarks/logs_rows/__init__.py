"""The rows of the logs benchmark, a module each."""
