"""The endpoints: a few lines each, one file a subject."""
