"""The journal: every exchange with the contract's side, bounded, without secrets, with the truth.

A client sees bytes; a judge of that client needs to know what was behind them: whether the edit of
a silent turn was applied, what it cost, what the draft was before. `journal_middleware` copies
what passes, endpoints fill in what they know (`annotations`), and each exchange becomes one
`nemolocal_contract.journal.Entry`: at the latest when somebody asks for it (`write_queue`).
"""
