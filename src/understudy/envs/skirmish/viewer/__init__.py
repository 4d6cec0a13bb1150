"""The window on a skirmish: first person and from above, and a person at the keyboard."""
