"""Learning from recordings: recipes, the training loop, and export with a parity certificate."""
