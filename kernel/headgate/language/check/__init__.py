"""Checks policies whole, before they serve.

The stages and the reason of their order: `modules` reads files and resolves imports, since a name may stand in
another file; `items` declares what files name; `statements`, `calls` and `expressions` give each expression its
type and each step its arguments, and keep going after a mistake; `flow` follows every path for facts, hinges and
ends, which needs the steps resolved; `routes` compares routes with each other, which needs all of them.
"""
