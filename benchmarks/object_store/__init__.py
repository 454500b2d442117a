"""The service on a bucket that fails in every way: moto behind a proxy, under load."""
