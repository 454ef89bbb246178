"""Dashboards as code: the files in `superset/assets` to Superset and back, checked and looked at.

Who starts a module sets PYTHONPATH to `superset/tools`, and to `superset/config` where Superset
is loaded (docs/adr/0026). `bundle`, `lint` and `schema` run with Superset and without; `viewer`,
`screenshots` and `run` in the project's environment; all others in Superset's.
"""
