"""What a world is published as: an entry that opens by itself, parts that sharpen it, and a manifest (PACKAGE.md)."""
