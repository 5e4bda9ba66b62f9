import { mount } from '@vue/test-utils'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { defineComponent, nextTick, ref } from 'vue'

import { closeToasts, toast } from '@/ui/toast'

import { isOn, useShortcuts } from './shortcuts'

const rows = ref<string[]>([])
const done: unknown[] = []
const List = defineComponent({
  setup() {
    useShortcuts(() => document.querySelector('section'), {
      select: (row, range) => done.push(['select', row, range]),
      remove: async (row) => {
        done.push(['remove', row])
        rows.value = rows.value.filter((_, index) => index !== row)
      },
      help: () => done.push('help'),
    })
    return { rows }
  },
  template: `<input type="file" /><section tabindex="-1"><input type="search" /><ul>
    <li v-for="row in rows" :key="row" class="request-row">
      <input type="checkbox" /><a href="#">{{ row }}</a></li></ul></section>`,
})

let list: ReturnType<typeof mount>
beforeEach(() => {
  rows.value = ['a', 'b', 'c']
  done.length = 0
  list = mount(List, { attachTo: document.body })
})
afterEach(async () => {
  list.unmount()
  isOn.value = true
  await closeToasts()
})

function press(key: string, options: KeyboardEventInit = {}) {
  const event = new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true, ...options })
  ;(document.activeElement ?? document.body).dispatchEvent(event)
  return event.defaultPrevented
}
const at = () => document.activeElement?.textContent

test('j and k move the focus over the rows and stop at the ends', () => {
  press('j')
  expect(at()).toBe('a')
  for (let times = 0; times < 5; times++) press('j')
  expect(at()).toBe('c')
  press('k')
  expect(at()).toBe('b')
  for (let times = 0; times < 5; times++) press('k')
  expect(at()).toBe('a')
})

test('nothing is typed into what chooses files, so that they work after it', () => {
  document.querySelector<HTMLElement>('[type=file]')!.focus()
  press('j')
  expect(at()).toBe('a')
})

test('arrows do the same in the list, and elsewhere scroll the page', () => {
  expect(press('ArrowDown')).toBe(false)
  press('j')
  expect(press('ArrowDown')).toBe(true)
  expect(at()).toBe('b')
})

test('x selects the row, with shift up to it', () => {
  press('x')
  press('j')
  press('x')
  press('j')
  press('X', { shiftKey: true })
  expect(done).toEqual([
    ['select', 0, false],
    ['select', 1, true],
  ])
})

test('the cursor stays in its place when its row is deleted, and is on the list when none is left', async () => {
  press('j')
  press('j')
  press('Delete')
  await vi.waitFor(() => expect(at()).toBe('c'))
  press('Delete')
  await vi.waitFor(() => expect(at()).toBe('a'))
  press('Backspace')
  await vi.waitFor(() => expect(document.activeElement?.tagName).toBe('SECTION'))
  expect(done).toEqual([
    ['remove', 1],
    ['remove', 1],
    ['remove', 0],
  ])
})

test('u undoes the latest deletion', () => {
  const undone: number[] = []
  toast('1 thing deleted.', { undo: () => undone.push(1) })
  toast('2 things deleted.', { undo: () => undone.push(2) })
  press('u')
  press('u')
  expect(press('u')).toBe(false)
  expect(undone).toEqual([2, 1])
})

test('/ goes to the search and ? asks for help', () => {
  press('?')
  press('/')
  expect(done).toEqual(['help'])
  expect((document.activeElement as HTMLInputElement).type).toBe('search')
})

test('nothing happens while somebody types, with a modifier, or under a dialog', async () => {
  press('/')
  expect(press('?')).toBe(false)
  ;(document.activeElement as HTMLElement).blur()
  for (const modifier of ['ctrlKey', 'metaKey', 'altKey']) {
    expect(press('?', { [modifier]: true })).toBe(false)
  }
  const dialog = document.body.appendChild(document.createElement('div'))
  dialog.setAttribute('role', 'dialog')
  expect(press('?')).toBe(false)
  dialog.remove()
  expect(done).toEqual([])
  expect(press('?')).toBe(true)
})

test('they can be turned off, which is remembered', async () => {
  isOn.value = false
  expect(press('?')).toBe(false)
  await nextTick()
  expect(localStorage.getItem('shortcuts')).toBe('off')
})
