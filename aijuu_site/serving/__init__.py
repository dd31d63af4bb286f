"""What `manage.py serve` does: prepare the data, then keep the web server and the worker running."""
