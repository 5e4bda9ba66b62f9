import { VueQueryPlugin } from '@tanstack/vue-query'
import { flushPromises, mount, type VueWrapper } from '@vue/test-utils'
import { vi } from 'vitest'
import type { Component } from 'vue'
import { createMemoryHistory, createRouter } from 'vue-router'

import { queryClient } from '@/api/queryClient'

import { type AccountModule, accountModules, tokenKinds } from './module'

export const USER = {
  id: 1,
  email: 'ada@example.org',
  name: 'Ada',
  is_staff: false,
  has_password: true,
}

type Answer = [status: number, body: object | null]

/** What the API says to "POST /auth/login/", and what it was sent. */
export function stubApi(answers: Record<string, Answer>) {
  const sent: { call: string; body: unknown }[] = []
  vi.stubGlobal('fetch', async (request: Request) => {
    const call = `${request.method} ${new URL(request.url).pathname.replace('/api/v1', '')}`
    const text = await request.text()
    sent.push({ call, body: text ? JSON.parse(text) : undefined })
    const [status, body] = answers[call] ?? [404, {}]
    return body ? Response.json(body, { status }) : new Response(null, { status })
  })
  return sent
}

/** problem+json with errors at fields. */
export function problem(fields: Record<string, string>, code = 'invalid'): Answer {
  const errors = Object.entries(fields).map(([field, message]) => ({ field, code, message }))
  return [400, { code, detail: 'Not accepted.', errors }]
}

/** Shows a page at an address, as somebody who is signed in unless `user` is null. */
export async function show(
  page: Component,
  options: {
    path?: string
    address?: string
    props?: object
    state?: object
    modules?: AccountModule[]
  } = {},
) {
  queryClient.clear()
  history.replaceState(options.state ?? null, '')
  const router = createRouter({
    history: createMemoryHistory(),
    routes: [
      { path: options.path ?? '/here', component: page },
      { path: '/:rest(.*)*', name: 'missing', component: { template: '<p />' } },
    ],
  })
  await router.push(options.address ?? options.path ?? '/here')
  const wrapper = mount(page, {
    attachTo: document.body,
    props: options.props,
    global: {
      plugins: [router, [VueQueryPlugin, { queryClient }]],
      provide: {
        [accountModules as symbol]: options.modules ?? [],
        [tokenKinds as symbol]: [{ name: 'invoices', title: 'Invoices' }],
      },
    },
  })
  await flushPromises()
  return { page: wrapper, router }
}

/** Fills fields by name and sends the form they are in. */
export async function fill(page: VueWrapper, fields: Record<string, string>) {
  const form = page.find(`form:has([name=${Object.keys(fields)[0]}])`)
  for (const [name, value] of Object.entries(fields)) {
    await form.find(`[name=${name}]`).setValue(value)
  }
  await form.trigger('submit')
  await flushPromises()
}

export function focused() {
  return document.activeElement?.getAttribute('name') ?? document.activeElement?.textContent?.trim()
}

/** Presses the button that says so. */
export async function press(page: VueWrapper, name: string) {
  await page
    .findAll('button')
    .find((button) => button.text() === name)!
    .trigger('click')
  await flushPromises()
}

/** Dialogs are at the end of the document. */
export const dialog = () => document.querySelector<HTMLElement>('[role=dialog]')

/** Fills the fields of the open dialog by name and sends it. */
export async function prove(fields: Record<string, string>) {
  for (const [name, value] of Object.entries(fields)) {
    const input = dialog()!.querySelector<HTMLInputElement>(`[name=${name}]`)!
    input.value = value
    input.dispatchEvent(new Event('input'))
  }
  dialog()!
    .querySelector('form')!
    .dispatchEvent(new Event('submit', { cancelable: true }))
  await flushPromises()
}
