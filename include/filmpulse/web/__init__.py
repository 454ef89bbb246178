"""What Filmpulse adds to Airflow's web server; `plugins/filmpulse_plugin.py` hangs it in."""
