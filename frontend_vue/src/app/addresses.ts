/**
 * The first parts of the addresses that have a page, found in the sources of the router and of the
 * features. The build writes them into index.html, so that the server answers 404 to all others.
 */
export function firstParts(sources: string[]): string[] {
  const found = sources
    .map(withoutPagesBelow)
    .flatMap((text) => [
      ...Array.from(text.matchAll(/\bpath: '\/?([a-z0-9_-]+)/g), (match) => match[1]!),
      ...Array.from(text.matchAll(/defineFeature\(\{\s*name: '([^']+)'/g), (match) => match[1]!),
    ])
  return [...new Set(found)].sort()
}

/** Of a feature, `routes` and all `children` are below another address. */
function withoutPagesBelow(text: string): string {
  if (!text.includes('defineFeature(')) return text
  return text.replace(/^( *)(?:routes|children): \[(?:.*\]|[^]*?^\1\]),$/gm, '')
}
