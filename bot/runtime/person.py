"""Who acts: a person is known by the login name on this machine."""

import os
import pwd


def who() -> str:
    """Return who types, or whose process this is."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"
