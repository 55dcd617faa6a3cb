"""Mutation tests: each mutant breaks one rule and names the checks that must fail."""
