"""`python -m jimeng_api` runs the command line."""

from __future__ import annotations

import gc

# Importing makes a few hundred thousand objects that all stay; with Python's usual threshold the collector
# goes through them again and again, which is a sixth of the time to start.
gc.set_threshold(50_000, 20, 20)

from jimeng_api.cli.app import app  # noqa: E402 - after the line above, for its sake


def main() -> None:
    app()


if __name__ == "__main__":
    main()
