"""The service under load for long, with everything that happens to a service, and its end under load."""
