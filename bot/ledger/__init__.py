"""The books: an append-only chain of events, what it projects to, and the proof that both are right."""
