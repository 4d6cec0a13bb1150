"""A window onto a park for a person, whose play is recorded as demonstrations."""
