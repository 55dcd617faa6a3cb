"""Breaks of the contract that a proxy makes, thought of from the contract alone.

Whoever wrote them had not seen the checks: they show what the mutants cannot, since a mutant is
made for the check that kills it.
"""
