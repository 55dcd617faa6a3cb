"""Puts any program that is a client through scenarios, and judges each run by its journal."""
