/** Has the browser keep some content as a file. */
export function saveFile(content: Blob, name: string): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(content)
  link.download = name
  link.click()
  // The download has begun when this runs.
  setTimeout(() => URL.revokeObjectURL(link.href))
}

/** A name without what file systems do not take. */
export const fileName = (...words: string[]) =>
  words
    .join(' ')
    .replaceAll(/[^\p{L}\p{N}._-]+/gu, '-')
    .replaceAll(/^-+|-+$/g, '')
