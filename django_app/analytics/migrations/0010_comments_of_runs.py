"""Comments for the columns of the tables that runs write about themselves."""

from django.db import migrations

RUN = "The run (etl_run)."
SHOP = "The shop, an id of shops.toml."
COMMENTS = {
    "etl_run": {
        "run_id": "Name of the run; a retry of a run has its id.",
        "shop_id": SHOP,
        "source": "The source that was read: simulated, kafka, or the name of a folder of files.",
        "from_date": "First shop-day of the range.",
        "to_date": "Last shop-day of the range, inclusive.",
        "status": "running, published, blocked (a check stopped it) or failed.",
        "started_at": "When the batch job began.",
        "finished_at": "When it ended; NULL: it runs.",
        "rows_in": "Input rows: those good, held back and excluded.",
        "rows_good": "Input rows that became events.",
        "rows_quarantined": "Input rows that were held back.",
        "rows_excluded": "Input rows that the source leaves out by name.",
        "code_version": "The release and a digest of the code, marts and source of the run: from equal inputs an equal one gives equal numbers.",
        "message": "Why it was stopped or failed; else empty.",
    },
    "etl_run_day": {
        "run_id": RUN,
        "shop_id": SHOP,
        "date": "The shop-day that the run published.",
        "source": "The source that the day's numbers come from.",
        "published_at": "When the day was published.",
        "checksum": "SHA-256 of the day's measures and mart rows: equal numbers, equal checksum.",
        "measures": "The day's measures, name to figure; NULL: unknown.",
        "previous_run_id": "The run that had published the day before; NULL: none had.",
    },
    "quality_result": {
        "run_id": RUN,
        "shop_id": SHOP,
        "date": "The shop-day of the finding; NULL: it is one of the whole run.",
        "check_name": "Name of the check, or of what is counted.",
        "severity": "blocking (stops publication), warning, or info (a count).",
        "passed": "Whether the check holds.",
        "value": "The figure that was found.",
        "detail": "What it was held against, or the rows that break the check.",
        "checked_at": "When it was checked.",
    },
    "quarantine": {
        "run_id": RUN,
        "shop_id": SHOP,
        "source": "The source of the row's file.",
        "date": "The shop-day of the row; NULL: the row does not say.",
        "file": "The row's file, below its landing partition.",
        "line": "The row's line in the file, from 1.",
        "reason": "Why it was held back: a reason of the closed list, and the rule.",
        "raw": "The row's text as it was received; [erased] where it named an erased person.",
        "quarantined_at": "When it was held back.",
    },
    "reconciliation": {
        "shop_id": SHOP,
        "date": "The shop-day.",
        "measure": "Name of the measure.",
        "live": "What the live side counted; NULL: it did not count the measure.",
        "batch": "What the run published; NULL: unknown.",
        "agrees": "Whether both are the same.",
        "explanation": "Why they differ, from the archive's events; empty: they agree, or nothing explains it.",
        "run_id": "The run that was held against the live figures.",
        "reconciled_at": "When they were compared.",
    },
}


def comment(apps, editor) -> None:
    for table, texts in COMMENTS.items():
        for column, text in texts.items():
            editor.execute(f"COMMENT ON COLUMN warehouse.{table}.{column} IS '" + text.replace("'", "''") + "'")


class Migration(migrations.Migration):
    dependencies = [("analytics", "0009_statistics")]
    operations = [migrations.RunPython(comment, migrations.RunPython.noop)]
