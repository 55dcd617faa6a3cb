"""Mutants made by a proxy, written from the contract alone.

Their authors had not seen the checks. So they show what the other mutants cannot, since those were
made for the checks that kill them.
"""
