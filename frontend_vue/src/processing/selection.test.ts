import { expect, test } from 'vitest'
import { nextTick, ref } from 'vue'

import { useSelection } from './selection'

const setUp = () => {
  const page = ref(['a', 'b', 'c', 'd'])
  const list = ref({ search: '' })
  const selected = useSelection(
    () => page.value,
    () => list.value,
  )
  return { page, list, selected, ids: () => [...selected.ids.value].sort().join('') }
}

test('rows are selected one by one, and with shift up to the last one', () => {
  const { selected, ids } = setUp()
  selected.toggle('b', false)
  expect(ids()).toBe('b')
  selected.toggle('d', true)
  expect(ids()).toBe('bcd')
  selected.toggle('c', false)
  expect(ids()).toBe('bd')
  selected.toggle('a', true)
  expect(ids()).toBe('abcd')
  selected.toggle('b', true)
  expect(ids()).toBe('cd')
})

test('shift without a row before it selects one', () => {
  const { selected, ids } = setUp()
  selected.toggle('c', true)
  expect(ids()).toBe('c')
})

test('a page is selected and left as a whole, beside what is on others', () => {
  const { page, selected, ids } = setUp()
  selected.toggle('a', false)
  page.value = ['e', 'f']
  expect(selected.wholePage.value).toBe(false)
  selected.togglePage()
  expect([ids(), selected.wholePage.value]).toEqual(['aef', true])
  selected.togglePage()
  expect(ids()).toBe('a')
})

test('everything includes rows that come later, and ends with the first that is taken out', () => {
  const { page, selected, ids } = setUp()
  selected.everything.value = true
  page.value = ['x', 'y']
  expect(selected.has('x')).toBe(true)
  selected.toggle('x', false)
  expect([ids(), selected.everything.value]).toEqual(['y', false])
})

test('another list begins without a selection', async () => {
  const { list, selected, ids } = setUp()
  selected.togglePage()
  list.value = { search: '' }
  await nextTick()
  expect(ids()).toBe('abcd')
  list.value = { search: 'dunes' }
  await nextTick()
  expect(ids()).toBe('')
})
