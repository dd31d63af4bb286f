"""Django's SQLite backend, with the writers of one machine in a queue (ENGINE "aijuu_site.queued_sqlite").

SQLite lets one connection write at a time. Whoever finds it locked sleeps for longer and longer and looks again, so
that newcomers overtake those who sleep. Here the writers take turns in the order in which they came.
"""
