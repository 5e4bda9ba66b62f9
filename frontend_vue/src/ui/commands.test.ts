import { expect, test } from 'vitest'
import { effectScope } from 'vue'

import { findCommands, offeredCommands, useCommands, withoutDoubles } from './commands'

const commands = [
  { id: 'delete', title: 'Löschen', words: 'entfernen' },
  { id: 'retry', title: 'Erneut versuchen' },
]
const found = (text: string) => findCommands(commands, text).map(({ id }) => id)

test('a command is found by the beginnings of its words, whatever their case and accents', () => {
  expect(found('losch')).toEqual(['delete'])
  expect(found('VERS ern')).toEqual(['retry'])
  expect(found('ntfernen')).toEqual([])
  expect(found(' ')).toEqual(['delete', 'retry'])
})

test('commands are offered while the component lives, and the last of several does it', () => {
  const [outer, inner] = [effectScope(), effectScope()]
  outer.run(() => useCommands(() => [{ id: 'upload', title: 'Go and upload' }]))
  inner.run(() => useCommands(() => [{ id: 'upload', title: 'Upload' }]))
  const titles = () => withoutDoubles(offeredCommands()).map(({ title }) => title)
  expect(titles()).toEqual(['Upload'])
  inner.stop()
  expect(titles()).toEqual(['Go and upload'])
  outer.stop()
  expect(titles()).toEqual([])
})
