"""The app that gunicorn serves, loaded once for all workers (`preload_app`).

The imports take eight seconds and 300 MB; the workers, forked from this process, share them.
"""

from __future__ import annotations

import gc

from superset.app import create_app
from superset.extensions import db

app = create_app()
with app.app_context():
    # A connection of this process, used by two workers at once, would mix up their answers.
    db.session.remove()
    db.engine.dispose()
gc.collect()
gc.freeze()  # else the garbage collector of each worker writes to, and so copies, shared memory
