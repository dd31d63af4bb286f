"""Figures about requests, mail and jobs, in the text format of Prometheus, for who bears MONITORING_TOKEN."""
