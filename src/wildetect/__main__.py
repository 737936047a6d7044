"""What `wildetect` and `python -m wildetect` call: Ctrl+C ends as it should while the tasks load."""

from __future__ import annotations

from wildetect.interrupts import leave_on_interrupt

__all__ = ["main"]


def main() -> None:
    """Run the tasks that the command line names."""
    leave_on_interrupt()
    from wildetect.tasks.program import main as run_tasks  # this takes a while

    run_tasks()


if __name__ == "__main__":
    main()
