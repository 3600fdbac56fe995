"""What a run keeps beside its numbers: how long each step took, and the rows that a re-run changed."""

from django.db import migrations

SCHEMA = """
ALTER TABLE warehouse.etl_run ADD COLUMN steps jsonb NOT NULL DEFAULT '{}';
COMMENT ON COLUMN warehouse.etl_run.inputs IS
    'Partitions read: path below the lake, the run that landed them, rows, and their files with rows and SHA-256.';
COMMENT ON COLUMN warehouse.etl_run.steps IS 'Seconds that each step took, by its name.';
COMMENT ON COLUMN warehouse.etl_run.code_version IS 'The platform''s version and a digest of jobs, sources and marts: an equal one gives equal numbers.';
ALTER TABLE warehouse.etl_run_day ADD COLUMN row_changes jsonb NOT NULL DEFAULT '{}';
COMMENT ON COLUMN warehouse.etl_run_day.row_changes IS
    'Per fact table the rows added, removed and changed against what was published before, table to {"added": n, "removed": n, "changed": n}; {} at first publication.';
"""
BACK = """
ALTER TABLE warehouse.etl_run DROP COLUMN steps;
ALTER TABLE warehouse.etl_run_day DROP COLUMN row_changes;
"""


class Migration(migrations.Migration):
    dependencies = [("analytics", "0004_models_of_the_model")]
    operations = [migrations.RunSQL(SCHEMA, BACK)]
