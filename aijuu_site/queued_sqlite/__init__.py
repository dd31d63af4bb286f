"""Django's SQLite backend, with the writers of one machine in a queue (ENGINE "aijuu_site.queued_sqlite").

SQLite lets one connection write at a time. A connection that finds it locked sleeps for longer and longer before it
tries again, so newer writers overtake the sleeping ones. Here writers take turns in the order of their arrival.
"""
