/** Where this tab keeps which file goes on in which upload, also after a reload. */

import { actingAsNow } from '@/api/acting'
import { ownName } from '@/env'

/** For which account a file is sent, as a header: an upload of one is not found by another. */
export type ActingFor = Record<string, string>

/** Path of the uploads beside that of a create. */
export const uploadPath = (createPath: string) => createPath.replace(/create\/$/, 'upload/')

export const chunkKeyPrefix = (createPath: string, actingFor: ActingFor = actingAsNow()) =>
  `${ownName('upload')} ${uploadPath(createPath)} ${Object.values(actingFor).join() || 'own'} `

export const chunkKey = (
  createPath: string,
  { name, size, lastModified }: File,
  actingFor?: ActingFor,
) => `${chunkKeyPrefix(createPath, actingFor)}${size} ${lastModified} ${name}`

/** The name of the file that a key is about. */
export const nameOfKey = (key: string) => key.split(' ').slice(5).join(' ')
