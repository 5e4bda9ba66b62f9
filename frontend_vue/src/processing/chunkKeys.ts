/** Where this tab keeps which file goes on in which upload, also after a reload. */

/** Path of the uploads beside that of a create. */
export const uploadPath = (createPath: string) => createPath.replace(/create\/$/, 'upload/')

export const chunkKeyPrefix = (createPath: string) => `upload ${uploadPath(createPath)} `

export const chunkKey = (createPath: string, { name, size, lastModified }: File) =>
  `${chunkKeyPrefix(createPath)}${size} ${lastModified} ${name}`

/** The name of the file that a key is about. */
export const nameOfKey = (key: string) => key.split(' ').slice(4).join(' ')
