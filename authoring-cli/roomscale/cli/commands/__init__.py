"""One module per command; each only wires what the rooms provide to the terminal."""
