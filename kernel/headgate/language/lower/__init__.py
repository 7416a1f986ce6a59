"""Checked policies made into Python syntax trees.

1. One function a route (`route_orders`), and a twin that traces. Nothing is ever pasted as text: nodes are built, and
   carry the line and column of the policy they come from.
2. A fragment is a function of its own, per use: a code object has one file, and a traceback inside a fragment must
   name the fragment's file (decision 0002). A block's body is a closure, since the block's step decides when it runs.
3. An answer is on the exchange; `x.ended` says that no further line runs. Whoever calls what can end asks it.
4. What is no literal stands in a pool of constants, by name: `k3`. Steps are `s_…`, resources `r_…`, sites `site3`.
"""
