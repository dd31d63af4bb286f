"""`manage.py serve`: prepare the data, then run the web server and the worker."""
