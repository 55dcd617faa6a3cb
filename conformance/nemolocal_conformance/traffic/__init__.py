"""What clients did, read from a journal or an HTTP archive and put in order for their judges."""
