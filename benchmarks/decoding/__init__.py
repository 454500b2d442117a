"""How images are decoded: whether reduced decoding changes answers, and what decoders cost."""
