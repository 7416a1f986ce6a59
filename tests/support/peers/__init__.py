"""Other people's readings of the same bytes: nginx's and Node's, beside the lane's.

Each reader listens on a loopback port, answers every request that it takes with 200 and says in `x-reading` what it took
it for. Whoever sends the same bytes to all of them can compare (`peers.reading`).
"""
