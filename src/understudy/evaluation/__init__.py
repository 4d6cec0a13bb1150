"""How good, how human and how certain: statistics over recordings of play."""
