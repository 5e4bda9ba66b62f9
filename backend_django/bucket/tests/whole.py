"""What tests of the whole product need to know of this module."""

from .server import Bucket

STORAGE = Bucket
