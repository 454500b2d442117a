"""The training loop and its state, early stopping, EMA, clamping, bf16 and checkpoints."""
