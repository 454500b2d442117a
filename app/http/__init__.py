"""HTTP: routing, request context, problem responses, and the OpenAPI page."""
