"""Matches of skirmish between bots and scripted players, and how much like players a bot plays in them."""
