"""The database of a test process. Registered after pytest-django (tests/plugin.py): of two fixtures
with one name the later plugin's is used.
"""

import pytest

from tests.stack import migrated_template


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """Copy a migrated database, where pytest-django's own has each process migrate one."""
    from django.db import connection

    connection.settings_dict["TEST"]["TEMPLATE"] = migrated_template()
