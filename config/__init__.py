"""Profiles and the typed settings they load into. ``config.load.load_profile`` is the way in."""
