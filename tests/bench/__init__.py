"""Headgate beside nginx, in one run: `make bench`. Ratios, since machines differ and are noisy."""
