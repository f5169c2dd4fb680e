"""One module per protocol: bytes in, Snapshot out."""
