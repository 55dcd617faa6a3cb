"""The checks of a skill document, one module for each of its parts."""
