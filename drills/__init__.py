"""Drills: the running stream is broken on purpose, again and again, and every number must still be right.

``python -m drills --list`` names them; docs/drills.md is the report. The room imports ``ecommerce`` and starts
``kafka_scripts`` as child processes.
"""
