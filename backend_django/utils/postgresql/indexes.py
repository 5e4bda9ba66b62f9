"""Indexes of tables that are in use."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.migrations.operations.base import Operation


def add_concurrently(model_name: str, *indexes: models.Index) -> list[Operation]:
    """Return what makes indexes without a lock, in a migration that is not `atomic`.

    Also where an earlier try was cut short and left half of an index.
    """
    return [
        operation
        for index in indexes
        for operation in (
            migrations.RunSQL(
                f"DROP INDEX CONCURRENTLY IF EXISTS {index.name}", migrations.RunSQL.noop
            ),
            AddIndexConcurrently(model_name, index),
        )
    ]
