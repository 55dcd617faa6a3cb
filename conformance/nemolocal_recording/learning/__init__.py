"""Judges rules for servers from recordings: what was seen to hold, what was not, and the rest."""
