"""Headgate beside its peers, in one run: `make bench`. Ratios, since machines differ and are noisy.

`__main__` is the recipe. A file of `peers/` is one gateway, with its configuration beside it; `cases` says what is
measured, `goals` what is held against it; `turns` measures, `ratios` compares, `report`, `plot` and `page` show.
"""
