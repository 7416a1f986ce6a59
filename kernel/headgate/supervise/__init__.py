"""Several processes that are one node: a master, its workers, and a builder.

1. The **master** opens the listening sockets, starts processes, and watches over them. It has no thread and no event
   loop but its own, runs no policy, reads no policy file, opens no store: nothing that a request or a plugin does can
   hold it up, and it may fork at any time.
2. A **worker** is a whole `Server` on the inherited sockets. It obeys the master over a pair of sockets of its own
   (`frames`). Where the master is gone, it drains and ends.
3. The **builder** reads, checks, compiles and tests policies, and watches their files. What it has built travels as a
   parcel to the master, and from there to the workers: all run the very same program, and no file is read twice.
4. A reload has two phases (`reloading`): every worker prepares the set beside the one that serves; when all have,
   all are told to serve it. If one cannot, none does.
5. A worker that starts serves nothing before the master says so, and it says so only to one that has the set that was
   last decided on.
6. What a worker or the builder dies of, it dies of alone: its connections are lost, and a new one takes its place.
"""
