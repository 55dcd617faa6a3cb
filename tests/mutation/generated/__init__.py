"""Server mutants that a machine makes of the contract, one change of the wire each.

They are derived from the OpenAPI document and the event model, so a new field of the contract has
its mutants at once.
"""
