"""Media of a world: what a file is (hash, type), where a homeserver already has it, and how it gets there.

This room knows neither glTF nor Matrix: it speaks to a homeserver through the `MediaStore` protocol only.
"""
