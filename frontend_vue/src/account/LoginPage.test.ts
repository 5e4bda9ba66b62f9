import { VueQueryPlugin } from '@tanstack/vue-query'
import { flushPromises, mount } from '@vue/test-utils'
import { expect, test, vi } from 'vitest'
import { createMemoryHistory, createRouter } from 'vue-router'

import { queryClient } from '@/api/queryClient'

import LoginPage from './LoginPage.vue'
import { show, stubApi } from './testing'

const blank = { template: '<p />' }

async function open(address: string, answers: Record<string, [number, object]>) {
  vi.stubGlobal('fetch', async (request: Request) => {
    const path = new URL(request.url).pathname
    const [status, body] = answers[path] ?? [404, {}]
    return Response.json(body, { status })
  })
  const router = createRouter({
    history: createMemoryHistory(),
    routes: [
      { path: '/login', component: LoginPage },
      { path: '/:rest(.*)*', component: blank },
    ],
  })
  await router.push(address)
  const page = mount(LoginPage, {
    attachTo: document.body,
    global: { plugins: [router, [VueQueryPlugin, { queryClient }]] },
  })
  await page.find('[name=email]').setValue('somebody@example.org')
  await page.find('[name=password]').setValue('secret')
  await page.find('form').trigger('submit')
  await flushPromises()
  return { page, router }
}

test('goes where the link led to', async () => {
  const { router, page } = await open('/login?next=/files/7', {
    '/api/v1/auth/login/': [200, { key: 'k' }],
    '/api/v1/auth/session/': [200, { user: { id: 1, email: 'somebody@example.org' } }],
  })
  expect(router.currentRoute.value.fullPath).toBe('/files/7')
  page.unmount()
})

test('says why it did not work, and waits in an empty password field', async () => {
  const { router, page } = await open('/login?next=/files/7', {
    '/api/v1/auth/login/': [400, { code: 'invalid', detail: 'Wrong e-mail or password.' }],
  })
  expect(page.find('[role=alert]').text()).toBe('Wrong e-mail or password.')
  const password = page.find('[name=password]').element as HTMLInputElement
  expect(password.value).toBe('')
  expect(document.activeElement).toBe(password)
  expect(router.currentRoute.value.path).toBe('/login')
  page.unmount()
})

test.each([
  ['ended', 'Your session has ended.'],
  ['google-cancelled', 'You did not sign in with Google.'],
])('says what brought somebody here: %s', async (why, sentence) => {
  stubApi({
    'GET /auth/session/': [200, { user: null, registration_open: true, google_url: null }],
  })
  const { page } = await show(LoginPage, { path: '/login', address: `/login?why=${why}` })
  expect(page.find('[role=status]').text()).toContain(sentence)
  page.unmount()
})

test('who has not confirmed the address can ask for the mail again', async () => {
  const { page } = await open('/login', {
    '/api/v1/auth/login/': [
      400,
      { code: 'email_not_verified', detail: 'Confirm your email address first.' },
    ],
  })
  expect(page.find('[role=alert] a').attributes('href')).toBe('/check-mail')
  page.unmount()
})
