"""From text to tokens: folding, the lexicon of both languages, spelling, numbers."""
