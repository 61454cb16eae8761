"""The entry point of the command. Nothing is imported before an interrupt can be caught."""

import gc
import sys

# Importing creates a million lasting objects; searching them for cycles after every 700 takes an eighth of the time.
OBJECTS_BETWEEN_COLLECTIONS = 1_000_000


def main() -> int:
    """Run the command line; an interrupt at any moment prints one line and exits 130."""
    try:
        gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS)
        from flows.cli.app import answer

        code = answer(sys.argv[1:])
    except KeyboardInterrupt:
        said = "afterclose: Interrupted. What was published before is intact; run the same command again."
        print(said, file=sys.stderr)  # noqa: T201 - typer may not be there yet
        code = 130
    finally:
        # before it exits, the interpreter searches for cycles once more, half a second with a day's imports;
        # that is unnecessary, because the system reclaims all memory
        gc.freeze()
    from tasks.monitoring.views.process_end import (
        end_process,  # here, as an interrupt of an import above must be caught
    )

    return end_process(code)
