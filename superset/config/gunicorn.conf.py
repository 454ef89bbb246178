"""How gunicorn serves Superset; its command line names the address."""

wsgi_app = "wsgi:app"
preload_app = True  # see wsgi.py: 270 MB in all, where two that load for themselves take 450
worker_class = "gthread"
# A dashboard sends a dozen requests at once, and each holds the interpreter for most of its time: a
# process for each core of a small machine, and enough threads that none waits for a slow request.
workers = 2
threads = 8
timeout = 120  # above SUPERSET_WEBSERVER_TIMEOUT
control_socket_disable = True  # it would lie in the home directory
