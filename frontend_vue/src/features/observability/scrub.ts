const EMAIL = /[^\s"'<>()=:,;]+@[^\s"'<>(),;]+/g
const QUERY = /[?#][^\s"'<>)]*/g
const NAMED =
  /((?:passw(?:or)?d|secret|token|key|authorization|code)["']?\s*[:=]\s*["']?)[^\s"',;&]+/gi
/** Long and random, and no UUID: the secrets of links. As backend_django/utils/logs.py has it. */
const RANDOM =
  /(?<![\w~%-])(?![0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?=[a-z_-]*[0-9A-Z:~%])[\w:~%=-]{20,}/g

/** A text without what may be of a person or open a door. */
export function scrub(text: string): string {
  return text
    .replaceAll(QUERY, '')
    .replaceAll(EMAIL, '[email]')
    .replaceAll(NAMED, '$1[secret]')
    .replaceAll(RANDOM, '[secret]')
    .slice(0, 500)
}

/** A URL as it may be named: without query and hash, and without the secret of a link. */
export function withoutQuery(url: string): string {
  const [path = ''] = url.split(/[?#]/)
  return /\.[cm]?js$/.test(path) ? path : path.replaceAll(RANDOM, '[secret]')
}
