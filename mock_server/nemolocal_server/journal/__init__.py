"""The journal: every exchange of the contract's interface, bounded, without tokens, with results.

A client sees only bytes. A check of that client also needs to know whether the edit of a silent
turn was applied, what it cost and what the draft was before. `journal_middleware` records the
bytes, the endpoints add annotations, and each `exchange` becomes a
`nemolocal_contract.journal.Entry`, when the journal is read at the latest.
"""
