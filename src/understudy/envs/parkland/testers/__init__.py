"""Scripted testers of a park: they play from its layout and their true position, to demonstrate ways of testing."""
