"""The tasks: thin verbs that parse, call the library and report."""

from invoke.collection import Collection

from wildetect.tasks import shims

__all__ = ["ns"]

ns = Collection()
ns.add_collection(Collection("shims", shims.write))
