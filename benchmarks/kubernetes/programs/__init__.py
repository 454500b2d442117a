"""What runs in the environment of the schemas; it imports nothing of the project but its neighbours."""
