"""For whom the addresses are (tests/security)."""

ACCESS = {"GET /flags/active/": "own"}
