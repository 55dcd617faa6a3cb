"""Runs any program that is a client through scenarios and evaluates the journal of each run."""
