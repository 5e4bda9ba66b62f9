"""The database backend: named in DATABASES, loaded by Django as `<package>.base`."""
