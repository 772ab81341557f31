"""Pre-trade checks: one rule a file, each from a ``Case`` to ``Denied`` or None. ``all`` lists them, in order."""
