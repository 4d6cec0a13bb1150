"""What every way of playing Doom shares: the behaviour, and the importers of its demos."""
