"""Readers: each knows the commands about one thing, and turns a clause into edits."""
