"""`make bench`: what the site costs, measured on this machine beside what others cost, as one table.

Needed are wrk and nginx (on Debian: `apt-get install wrk nginx-light`). The figures mean something only on a
machine that does nothing else meanwhile.
"""
