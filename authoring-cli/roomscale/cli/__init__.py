"""The `roomscale` command: wires the rooms together, reads configuration, prints."""
