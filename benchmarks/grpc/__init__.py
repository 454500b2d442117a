"""Processor time of requests over gRPC, against grpcio's own echo in the same process and event loop."""
