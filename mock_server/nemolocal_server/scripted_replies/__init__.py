"""Scripted replies: what a test tells the agent to answer instead of what it would say itself."""
