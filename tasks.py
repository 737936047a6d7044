"""The collection that `invoke` finds: `uv run invoke --list` shows its tasks."""

from wildetect.tasks import ns

__all__ = ["ns"]
