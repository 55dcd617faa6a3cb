"""Broken peers: each breaks one rule in one small way, and names the checks that must notice."""
