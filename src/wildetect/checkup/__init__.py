"""What is looked at when something is wrong: one small function a check, nothing is started or changed.

Each check gives findings: ok, warning or problem, each with what fixes it. A check that cannot be made,
because a package is missing or broken, is a finding, too.
"""
