"""What gunicorn serves, made to be loaded once and shared (`preload_app`).

The imports take eight seconds and 300 MB, which its workers, forked from this process, share.
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
gc.freeze()  # else the collector of each worker writes to, and so copies, all that is shared
