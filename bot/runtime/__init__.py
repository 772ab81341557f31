"""Where everything is put together: daemon, demo, simulators."""
