"""A repository in an object store, mirrored into a folder that is then served as any other."""
