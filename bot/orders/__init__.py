"""The order manager, pure: (state, input) → (events, actions). No I/O, no clock, no async."""
