"""Dashboards as code: checks the files in `superset/assets`, writes them to Superset and back.

A caller sets PYTHONPATH to `superset/tools`, and for Superset's environment to `superset/config`
too (docs/adr/0026). superset/README.md lists the modules and the environment of each.
"""
