"""Plays a recording again on a server, and says which rules it shows otherwise than before."""
