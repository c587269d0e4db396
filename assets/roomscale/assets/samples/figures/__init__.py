"""The avatars: four people on one rig, with VRM 1.0 bone names and shared clips."""
