"""A language model that edits where the rules do not understand a message."""
