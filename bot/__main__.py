"""``python -m bot`` is ``basisbot``."""

from bot.cli import main

if __name__ == "__main__":
    main()
