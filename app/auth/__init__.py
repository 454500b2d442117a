"""Who may send requests: API keys, the models that each may use, and how many requests it may send."""
