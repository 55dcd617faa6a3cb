"""The command `nemolocal`."""
