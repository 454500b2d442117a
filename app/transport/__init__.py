"""From sockets to requests, and back: the fast path through uvicorn, read scheduling, workers, shutdown."""
