"""What the bot watches by itself, and what it proposes: pure decisions, fed by the clock and the venues' state.

A watch never trades. It raises a plan as a person would, with its reason, and the plan's tickets wait for a person or
are approved by a standing approval. ``watch`` calls every watch the profile has switched on, the most urgent first.
"""
