"""Other servers beside the service: the same requests, models, core and clients."""
