import { expect, test } from 'vitest'

import { CheckMailPage, ForgotPage, RegisterPage, ResetPage, VerifyEmailPage } from './signInPages'
import { fill, focused, problem, show, stubApi } from './testing'

const SESSION = { user: null, registration_open: true, google_url: null }
const DEAD = 'This link was used before, or is too old.'
const RESET = { path: '/reset/:uid/:token', address: '/reset/1/abc-def' }
const VERIFY = { path: '/verify-email/:key', address: '/verify-email/a:b:c' }

test('registering sends the password in both fields and leads to the mailbox', async () => {
  const sent = stubApi({
    'GET /auth/session/': [200, SESSION],
    'POST /auth/registration/': [201, { detail: 'We sent you an email.' }],
  })
  const { page, router } = await show(RegisterPage)
  await fill(page, { name: 'Ada', email: 'ada@example.org', password1: 'four plain words' })
  expect(sent.at(-1)!.body).toEqual({
    name: 'Ada',
    email: 'ada@example.org',
    password1: 'four plain words',
    password2: 'four plain words',
  })
  expect(router.currentRoute.value.fullPath).toBe('/check-mail')
})

test('what is wrong stands at its field, which has the focus and what was typed', async () => {
  stubApi({
    'GET /auth/session/': [200, SESSION],
    'POST /auth/registration/': problem({ password1: 'This password is too common.' }),
  })
  const { page } = await show(RegisterPage)
  await fill(page, { email: 'ada@example.org', password1: 'password' })
  const field = page.find('[name=password1]')
  const described = field.attributes('aria-describedby')!.split(' ')[0]!
  expect(document.getElementById(described)!.textContent).toBe('This password is too common.')
  expect(focused()).toBe('password1')
  expect((field.element as HTMLInputElement).value).toBe('password')
  expect(page.find('[role=alert]').exists()).toBe(false)
})

test('closed registration says so and has no form', async () => {
  stubApi({ 'GET /auth/session/': [200, { ...SESSION, registration_open: false }] })
  const { page } = await show(RegisterPage)
  expect(page.text()).toContain('Registration is closed')
  expect(page.find('form').exists()).toBe(false)
})

test('Google is offered where the server has it, as a form with the token against forgery', async () => {
  document.cookie = 'csrftoken=abc'
  stubApi({ 'GET /auth/session/': [200, { ...SESSION, google_url: '/accounts/google/login/' }] })
  const { page } = await show(RegisterPage)
  await expect.poll(() => page.find('form[action]').exists()).toBe(true)
  const form = page.find('form[action]').element as HTMLFormElement
  expect(new URL(form.action).pathname).toBe('/accounts/google/login/')
  expect(Object.fromEntries(new FormData(form))).toEqual({ csrfmiddlewaretoken: 'abc', next: '/' })
})

test.each([
  ['registering', {}, 'POST /auth/registration/resend-email/'],
  ['a new password', { reset: true }, 'POST /auth/password/reset/'],
])('the mail for %s is sent again', async (_, state, call) => {
  const sent = stubApi({ [call]: [200, { detail: 'Sent.' }] })
  const { page } = await show(CheckMailPage, { state: { email: 'ada@example.org', ...state } })
  expect(page.text()).toContain('ada@example.org')
  await page.find('form').trigger('submit')
  await expect.poll(() => page.find('[role=status]').text()).toContain('Sent again.')
  expect(sent).toEqual([{ call, body: { email: 'ada@example.org' } }])
})

test('who comes without an address is asked for it', async () => {
  const sent = stubApi({ 'POST /auth/registration/resend-email/': [200, { detail: 'Sent.' }] })
  const { page } = await show(CheckMailPage)
  await fill(page, { email: 'ada@example.org' })
  expect(sent[0]!.body).toEqual({ email: 'ada@example.org' })
})

test('forgetting leads to the mailbox', async () => {
  stubApi({ 'POST /auth/password/reset/': [200, { detail: 'Sent.' }] })
  const { page, router } = await show(ForgotPage)
  expect(focused()).toBe('email')
  await fill(page, { email: 'ada@example.org' })
  expect(router.currentRoute.value.path).toBe('/check-mail')
})

test('an address is confirmed by a click, not by looking at the link', async () => {
  const sent = stubApi({ 'POST /auth/registration/verify-email/': [200, { detail: 'Done.' }] })
  const { page } = await show(VerifyEmailPage, VERIFY)
  expect(sent).toEqual([])
  await page.find('form').trigger('submit')
  await expect.poll(() => page.find('h1').text()).toBe('Your email is confirmed')
  expect(sent[0]!.body).toEqual({ key: 'a:b:c' })
  expect(focused()).toBe('Sign in')
})

test.each([
  ['confirming', VerifyEmailPage, VERIFY, 'POST /auth/registration/verify-email/', 'key'],
  ['resetting', ResetPage, RESET, 'POST /auth/password/reset/confirm/', 'token'],
])('a dead link for %s says how to get a new one', async (_, component, at, call, field) => {
  stubApi({ [call]: problem({ [field]: DEAD }) })
  const { page } = await show(component, at)
  await page.find('form').trigger('submit')
  await expect.poll(() => page.find('[role=alert]').exists()).toBe(true)
  expect(page.find('[role=alert]').text()).toContain(DEAD)
  expect(page.text()).toContain('Ask for a new link')
  expect(page.find('form').exists()).toBe(false)
})

test('a server that is away does not make the link a dead one', async () => {
  stubApi({ 'POST /auth/registration/verify-email/': [503, {}] })
  const { page } = await show(VerifyEmailPage, VERIFY)
  await page.find('form').trigger('submit')
  await expect.poll(() => page.find('[role=alert]').exists()).toBe(true)
  expect(page.find('form').exists()).toBe(true)
})

test('the new password goes out with what the link says', async () => {
  const sent = stubApi({ 'POST /auth/password/reset/confirm/': [200, { detail: 'Set.' }] })
  const { page } = await show(ResetPage, RESET)
  await fill(page, { new_password1: 'four plain words' })
  expect(sent[0]!.body).toEqual({
    uid: '1',
    token: 'abc-def',
    new_password1: 'four plain words',
    new_password2: 'four plain words',
  })
  expect(page.find('h1').text()).toBe('Your new password is set')
})
