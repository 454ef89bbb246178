"""Middleware for Airflow's web server; `plugins/filmpulse_plugin.py` adds it."""
