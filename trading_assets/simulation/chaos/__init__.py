"""Chaos with real processes: what the product promises, judged by somebody else than itself."""
