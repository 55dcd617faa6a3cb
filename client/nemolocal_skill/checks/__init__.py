"""The checks of a skill document."""
