/** Has the browser keep some content as a file. */
export function saveFile(content: Blob, name: string): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(content)
  link.download = name
  link.click()
  // Safari reads it when the person has said where to keep it.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000)
}

/** A name without what file systems do not take. */
export const fileName = (...words: string[]) =>
  words
    .join(' ')
    .replaceAll(/[^\p{L}\p{N}._-]+/gu, '-')
    .replaceAll(/^-+|-+$/g, '')
