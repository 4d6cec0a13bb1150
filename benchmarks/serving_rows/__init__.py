"""The rows of the serving benchmark, a module each."""
