"""The agent: words into edits, edits into a new draft, all of it into a stream. Pure throughout."""
