"""The consumer in parts: its servers, its place in the group, claiming partitions, counting records.

``kafka_scripts/consumer.py`` puts them together. Each part knows those before it, none behind it.
"""
