"""The simulation, sans-IO: bytes and times go in, bytes and events come out. Reads no clock, opens no socket."""
