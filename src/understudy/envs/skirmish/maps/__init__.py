"""The levels of skirmish: three drawn as text, and a generator of new ones."""
