"""Skirmish, a 2-v-2 tactical shooter: attackers plant a bomb on one of two sites, defenders defuse it."""
