"""The lexer: a message becomes tokens. Normalization, lexicon, spell check, quantities."""
