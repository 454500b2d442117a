"""HTTP as the service speaks it: routing, request context, problem responses, forms, the OpenAPI page."""
