"""The service under load, compared with an echo server and a minimal FastAPI server."""
