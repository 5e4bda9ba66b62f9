"""Sign-in with Google: on as soon as both variables are set, and not there at all before."""

GOOGLE_LOGIN_URL: str | None = None
