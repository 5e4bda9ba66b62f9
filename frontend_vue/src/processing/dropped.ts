/** The files of a drop, those of its folders included; hidden ones are left out. */
export async function filesOf(data: DataTransfer): Promise<File[]> {
  // The entries are only there until the event is over.
  const entries = [...(data.items ?? [])].flatMap((item) => item.webkitGetAsEntry?.() ?? [])
  if (!entries.some((entry) => entry.isDirectory)) return [...data.files]
  return (await Promise.all(entries.map(walk))).flat()
}

async function walk(entry: FileSystemEntry): Promise<File[]> {
  if (entry.name.startsWith('.')) return []
  if (entry.isFile) {
    return [await new Promise<File>((...done) => (entry as FileSystemFileEntry).file(...done))]
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader()
  const found: FileSystemEntry[] = []
  for (;;) {
    // It gives a hundred at a time, and then none.
    const some = await new Promise<FileSystemEntry[]>((...done) => reader.readEntries(...done))
    if (!some.length) break
    found.push(...some)
  }
  return (await Promise.all(found.map(walk))).flat()
}
