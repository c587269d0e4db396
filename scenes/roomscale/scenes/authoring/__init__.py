"""Authoring: names and custom properties, which Blender exports, and `world.toml` become a world's extensions."""

from roomscale.scenes.authoring.author import author
from roomscale.scenes.authoring.world_file import NAME, WorldFile, beside, parse_world_file, read_world_file

__all__ = ["NAME", "WorldFile", "author", "beside", "parse_world_file", "read_world_file"]
