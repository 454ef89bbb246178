"""How gunicorn serves Superset; what it binds to is said on its command line."""

wsgi_app = "wsgi:app"
preload_app = True  # see wsgi.py: 270 MB in all, where two that load for themselves take 450
worker_class = "gthread"
# A dashboard asks a dozen questions at once, and each holds the interpreter for most of its time:
# a process a core of a small machine, and threads enough that none waits behind a slow one.
workers = 2
threads = 8
timeout = 120  # above SUPERSET_WEBSERVER_TIMEOUT
control_socket_disable = True  # it would lie in the home directory
