"""Transforms of scenes, one per file: each a pure function from a scene to a scene.

Rule: a transform never drops what it does not know: unknown extensions, extras, names and every node survive with
equal values. It takes scenes whose structure is sound (`checks.structure.require_sound`; `optimise` sees to that), and
returns the scene itself where there is nothing to do. What data disagree with their JSON raise `BrokenData`.
"""
