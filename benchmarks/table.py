"""Lists and status polls as the table of requests grows: neither may notice."""

from benchmarks.measure import QUICK, Curve, Section, ask, say
from benchmarks.product import Product

COUNTS = (10, 100, 1000) if QUICK else (10, 1000, 10_000, 100_000)
SECONDS = 0.5 if QUICK else 3.0


def measure(product: Product) -> Section:
    """Milliseconds to the answer, one call at a time, with so many requests in the table.

    Half of them belong to the person who asks: the worst that a list can meet.
    """
    lines: dict[str, list[float]] = {"list": [], "list, the last page": [], "status": []}
    with product.stack.client() as api:
        auth = {"Authorization": api.headers["Authorization"]}
        for count in COUNTS:
            product.bench("fill", count)
            first = api.get("wordcount/list/").json()
            paths = {
                "list": "list/",
                "list, the last page": f"list/?page={first['pages']}",
                "status": f"status/{first['results'][0]['id']}/",
            }
            for name, path in paths.items():
                asked = [f"/api/v1/wordcount/{path}"]
                ask(product.stack.url, asked, auth, connections=1, seconds=SECONDS / 8)
                got = ask(product.stack.url, asked, auth, connections=1, seconds=SECONDS)
                lines[name].append(got.p50 * 1000)
            said = ", ".join(f"{name} {values[-1]:.1f} ms" for name, values in lines.items())
            say(f"  {count:,} requests: {said}")
    title = "An answer, by the requests in the table"
    counts = list(map(float, COUNTS))
    curve = Curve("table", title, "requests in the table", "ms", counts, lines, is_log=True)
    return Section("table", curves=[curve])
