"""The life of texts as a small model, and the same traces on the real engine."""
