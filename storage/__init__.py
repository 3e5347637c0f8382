"""Records, database, blobs, audit chain, review queue and releases. Imports nothing else of this project."""
