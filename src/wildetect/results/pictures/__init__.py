"""The files of a run's pictures: what tells them apart, whether they can be looked at, where they lie now."""
