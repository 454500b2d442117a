"""The service under Ray Serve: what is lost when a replica or a node fails, and what a request costs there."""
