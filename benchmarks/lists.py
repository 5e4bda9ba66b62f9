"""Lists at a million requests of ten thousand people: each call, and its statements."""

import psycopg

from benchmarks.measure import QUICK, Section, ask, compare_with_goal
from benchmarks.product import Product

REQUESTS = 20_000 if QUICK else 1_000_000
PEOPLE = 100 if QUICK else 10_000
OWN = REQUESTS // 10  # of the person who asks
SECONDS = 0.5 if QUICK else 3.0

FILL = """
INSERT INTO users_user (id, password, email, name, is_active, is_staff, is_superuser, date_joined)
SELECT 1000 + n, '', 'person' || n || '@example.org', '', true, false, false, now()
  FROM generate_series(1, %(people)s) AS n;

INSERT INTO processing_processingrequest (
  id, owner_id, kind, name, parameters, status, phase, step, progress, attempt, max_attempts,
  error_code, error_message, cancel_requested, trace_id, celery_task_id, input_name, input_size,
  created_at, started_at, finished_at
)
SELECT gen_random_uuid(),
       CASE WHEN n %% 10 = 0 THEN %(owner)s ELSE 1001 + (n::bigint * 7919) %% %(people)s END,
       'wordcount', 'survey_' || n || (ARRAY[' dunes', ' forest', ' coast', ' delta'])[1 + n %% 4],
       '{}', status, '', '', 100, 1, 3,
       CASE status WHEN 'failed' THEN 'invalid_input' ELSE '' END, '', false, '', '',
       'survey_' || n || '.txt', n, at, at, at + interval '1 minute'
  FROM generate_series(1, %(requests)s) AS n,
       LATERAL (SELECT now() - n * interval '40 seconds' AS at,
                CASE WHEN n %% 499 < 10 THEN 'failed' WHEN n %% 997 < 9 THEN 'cancelled'
                     ELSE 'completed' END AS status) AS of_row;
"""


INDEXES = """
SELECT indexname, indexdef FROM pg_indexes
 WHERE tablename = 'processing_processingrequest'
   AND indexname NOT IN (SELECT conname FROM pg_constraint)
"""


def fill(product: Product) -> None:
    """Put the people and their requests into the database.

    By two statements, and without the indexes, which are made afterwards: that is much faster.
    """
    with psycopg.connect(product.postgres.url, autocommit=True) as connection:
        (owner,) = connection.execute("SELECT id FROM users_user WHERE is_superuser").fetchone()  # type: ignore[misc]
        values = {"people": PEOPLE, "requests": REQUESTS, "owner": owner}
        indexes = connection.execute(INDEXES).fetchall()
        for name, _ in indexes:
            connection.execute(f"DROP INDEX {name}")
        with psycopg.ClientCursor(connection) as cursor:
            cursor.execute(FILL, values)
        for _, definition in indexes:
            connection.execute(definition)
        connection.execute("VACUUM ANALYZE")


def measure(product: Product) -> Section:
    """Milliseconds to the response, one call at a time, beside what it may take."""
    fill(product)
    session = {"Cookie": product.session_cookie()}
    with product.stack.client() as api:
        token = {"Authorization": api.headers["Authorization"]}
    own, admin = "/api/v1/requests/", "/admin/processing/processingrequest/"
    calls = [
        ("list", 15, f"{own}list/", token),
        ("list of a kind", 15, "/api/v1/wordcount/list/", token),
        ("list, last page", 50, f"/api/v1/wordcount/list/?page={OWN // 20}", token),
        ("list, ?status=failed", 50, f"{own}list/?status=failed", token),
        ("list, ?status=failed,cancelled", 50, f"{own}list/?status=failed,cancelled", token),
        ("list, search", 50, f"{own}list/?search=survey_{REQUESTS // 2}", token),
        ("list, search for a frequent word", 50, f"{own}list/?search=dunes", token),
        ("list, by name", 50, f"{own}list/?ordering=name", token),
        ("list, a day", 50, f"{own}list/?created_before=2026-01-02T00:00:00Z", token),
        ("counts by status", 50, f"{own}status-counts/", token),
        ("admin, first page", 50, admin, session),
        ("admin, ?status=failed", 50, f"{admin}?status__exact=failed", session),
        ("admin, search by name", 50, f"{admin}?q=survey_{REQUESTS // 2}", session),
        ("admin, search by email", 50, f"{admin}?q=person77@example.org", session),
        ("admin, page 100", 50, f"{admin}?p=100", session),
        ("admin, users", 50, "/admin/users/user/", session),
    ]
    rows = []
    for name, goal, path, headers in calls:
        url = product.stack.url
        ask(url, [path], headers, connections=1, calls=3)
        with product.spending(product.stack.processes["web"].pid) as spent:
            got = ask(url, [path], headers, connections=1, calls=20, seconds=SECONDS)
        figure = spent.figure(got.p50 * 1000, got.count)
        rows.append(compare_with_goal(name, [figure], goal, "ms"))
    return Section("lists", rows)
