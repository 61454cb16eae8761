"""The entry point of the command. Nothing is imported before an interrupt can be caught."""

import gc
import sys

# Importing makes a million objects that stay: looking for cycles among them every 700 takes an eighth of its time.
OBJECTS_BETWEEN_COLLECTIONS = 1_000_000


def main() -> int:
    """Run the command line; an interrupt at any moment prints one line and exits 130."""
    try:
        gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS)
        from flows.cli.app import answer

        return answer(sys.argv[1:])
    except KeyboardInterrupt:
        print("afterclose: Interrupted. What was published before is intact.", file=sys.stderr)  # noqa: T201 - typer may not be there yet
        return 130
    finally:
        # the interpreter looks for cycles once more before it ends: half a second among what a day has imported, and
        # nothing needs it, for the system takes all the memory back
        gc.freeze()
