"""Where the simulated venues' prices come from."""
