"""Protocols of other toolkits, answered by the same server and the same bundles."""
