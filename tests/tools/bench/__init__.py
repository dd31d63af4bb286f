"""`make bench`: benchmarks of the site compared with other programs on the same machine, as one table.

Requires wrk and nginx (on Debian: `apt-get install wrk nginx-light`). The figures are meaningful only if the machine
does nothing else.
"""
