"""What features write their rows with."""

import pytest
from django.contrib.auth.models import Group

from backend_django.api.writes import row_create


def test_a_row_may_have_a_field_called_model() -> None:
    """As a car has. A group has none: it is what refuses the name."""
    with pytest.raises(TypeError, match="unexpected keyword arguments: 'model'"):
        row_create(Group, model="T")
