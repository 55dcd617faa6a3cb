"""The error that a tool reports to the agent that called it."""


class ToolError(Exception):
    """A tool cannot do what it was asked; the message says what to do instead."""
