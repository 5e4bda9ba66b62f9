import { mount } from '@vue/test-utils'
import { expect, test } from 'vitest'
import { h, nextTick } from 'vue'

import UiDialog from './UiDialog.vue'

const settled = () => new Promise((resolve) => setTimeout(resolve, 20))

async function openedFrom(html: string, selector: string) {
  document.body.innerHTML = `${html}<div id="app"></div>`
  document.querySelector<HTMLElement>(selector)!.focus()
  const dialog = mount(UiDialog, {
    attachTo: '#app',
    props: { open: false, title: 'Rename', description: 'The files keep their names.' },
    slots: { default: () => h('input') },
  })
  await dialog.setProps({ open: true })
  await settled()
  expect(document.activeElement!.closest('[role=dialog]')).not.toBeNull()
  return dialog
}

const focused = () => document.activeElement!.id

test('the focus goes back to what opened it', async () => {
  const dialog = await openedFrom('<button id="open"></button>', '#open')
  await dialog.setProps({ open: false })
  await settled()
  expect(focused()).toBe('open')
  dialog.unmount()
})

test('of a menu that is gone, its button has the focus', async () => {
  const menu = '<div role="menu" aria-labelledby="more"><button id="entry"></button></div>'
  const dialog = await openedFrom(`<button id="more"></button>${menu}`, '#entry')
  document.querySelector('[role=menu]')!.remove()
  await dialog.setProps({ open: false })
  await settled()
  expect(focused()).toBe('more')
  dialog.unmount()
})

test('what was given the focus when it closed keeps it', async () => {
  const dialog = await openedFrom('<button id="open"></button><a id="list" href="/">x</a>', '#open')
  void dialog.setProps({ open: false })
  await nextTick()
  document.getElementById('list')!.focus()
  await settled()
  expect(focused()).toBe('list')
  dialog.unmount()
})
