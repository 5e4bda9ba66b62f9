import { flushPromises, type VueWrapper } from '@vue/test-utils'
import { expect, test } from 'vitest'

import { toasts } from '@/ui/toast'

import AccountPage from './AccountPage.vue'
import ConfirmAddressPage from './ConfirmAddressPage.vue'
import { dialog, fill, focused, press, problem, prove, show, stubApi, USER } from './testing'

const TOKEN = {
  id: 7,
  name: 'night job',
  hint: 'abc123',
  scope: 'write',
  kinds: [],
  expires_at: null,
  from_sign_in: false,
  created_at: '2026-01-10T12:00:00Z',
  last_used_at: null,
}

async function open(answers: Parameters<typeof stubApi>[0]) {
  const sent = stubApi({
    'GET /auth/session/': [200, { user: USER, registration_open: true, google_url: null }],
    'GET /auth/tokens/': [200, { results: [TOKEN] }],
    ...answers,
  })
  const { page } = await show(AccountPage)
  await flushPromises()
  return { page, of: (call: string) => sent.filter((one) => one.call === call) }
}

async function submit(page: VueWrapper, name: string) {
  const form = page.findAll('form').find((one) => one.text().includes(name))!
  await form.trigger('submit')
  await flushPromises()
}

test('a new name is saved and shown', async () => {
  const { page, of } = await open({ 'PATCH /auth/user/': [200, { ...USER, name: 'Ada L.' }] })
  await fill(page, { name: ' Ada L. ' })
  expect(of('PATCH /auth/user/')[0]!.body).toEqual({ name: ' Ada L. ' })
  expect((page.find('[autocomplete=name]').element as HTMLInputElement).value).toBe('Ada L.')
  expect(toasts[0]!.text).toBe('Your name is saved.')
})

test('a wrong present password is said at its field, and nothing typed is lost', async () => {
  const { page } = await open({
    'POST /auth/password/change/': problem({ old_password: 'This is not your password.' }),
  })
  await fill(page, { old_password: 'wrong', new_password1: 'four plain words' })
  expect(focused()).toBe('old_password')
  expect((page.find('[name=new_password1]').element as HTMLInputElement).value).toBe(
    'four plain words',
  )
})

test('a changed password empties the form and looks at the tokens again', async () => {
  const { page, of } = await open({ 'POST /auth/password/change/': [200, { detail: 'Changed.' }] })
  await fill(page, { old_password: 'old one', new_password1: 'four plain words' })
  expect(of('POST /auth/password/change/')[0]!.body).toEqual({
    old_password: 'old one',
    new_password1: 'four plain words',
    new_password2: 'four plain words',
  })
  expect((page.find('[name=old_password]').element as HTMLInputElement).value).toBe('')
  expect(of('GET /auth/tokens/')).toHaveLength(2)
})

test('a token is shown once', async () => {
  const { page, of } = await open({
    'POST /auth/tokens/': [201, { ...TOKEN, key: 'the-whole-key' }],
  })
  const form = page.findAll('form').find((one) => one.find('[placeholder]').exists())!
  await form.find('input').setValue('night job')
  await form.find('[name=scope]').setValue('read')
  await form.find('[value=invoices]').setValue(true)
  await form.trigger('submit')
  await flushPromises()
  expect(of('POST /auth/tokens/')[0]!.body).toEqual({
    name: 'night job',
    scope: 'read',
    kinds: ['invoices'],
    expires_in_days: 90,
  })
  expect(page.text()).toContain('the-whole-key')
  expect(focused()).toBe('“night job” is ready')
  await press(page, 'I have it')
  expect(page.text()).not.toContain('the-whole-key')
})

test.each([
  [{}, 'Read and write · does not expire'],
  [{ scope: 'read', expires_at: '2999-03-01T12:00:00Z' }, 'Read only · expires'],
  [{ expires_at: '2020-03-01T12:00:00Z' }, 'expired'],
  [{ kinds: ['invoices', 'gone'] }, 'Read and write · Invoices, gone only · does not expire'],
])('what a token may do and for how long is shown: %j', async (values, text) => {
  const { page } = await open({
    'GET /auth/tokens/': [200, { results: [{ ...TOKEN, ...values }] }],
  })
  expect(page.find('[aria-label="Your tokens"]').text()).toContain(text)
})

test.each([
  ['revoked', 204],
  ['revoked in another window before', 404],
])('a token that is %s is gone from the list', async (_, status) => {
  const { page, of } = await open({
    'DELETE /auth/tokens/7/': [status, status === 404 ? {} : null],
  })
  await press(page, 'Revoke')
  const button = [...dialog()!.querySelectorAll('button')].find(
    (one) => one.textContent === 'Revoke',
  )
  button!.click()
  await flushPromises()
  expect(toasts[0]!.text).toBe('“night job” is revoked.')
  expect(of('GET /auth/tokens/')).toHaveLength(2)
})

test('an account is not deleted with a wrong password', async () => {
  const { page } = await open({
    'POST /auth/user/delete/': problem({ password: 'This is not your password.' }),
  })
  await press(page, 'Delete the account …')
  await prove({ password: 'wrong' })
  expect(dialog()!.textContent).toContain('This is not your password.')
  expect(focused()).toBe('password')
})

test('why the only administrator cannot leave is said', async () => {
  const { page } = await open({
    'POST /auth/user/delete/': [
      409,
      { code: 'conflict', detail: 'This is the only administrator.' },
    ],
  })
  await press(page, 'Delete the account …')
  await prove({ password: 'my own' })
  expect(dialog()!.querySelector('[role=alert]')!.textContent).toContain('only administrator')
})

const SESSION = {
  id: 3,
  device: 'Safari on iPhone',
  ip_address: '203.0.113.7',
  created_at: '2026-01-10T12:00:00Z',
  last_seen_at: '2026-01-11T12:00:00Z',
  is_current: false,
}

test.each([
  ['ended', 204],
  ['ended in another window before', 404],
])('a device that is %s is looked for no more', async (_, status) => {
  const { page, of } = await open({
    'GET /auth/sessions/': [
      200,
      [{ ...SESSION, id: 4, device: 'Here', is_current: true }, SESSION],
    ],
    'DELETE /auth/sessions/3/': [status, status === 404 ? {} : null],
  })
  expect(page.text()).toContain('This device')
  const buttons = page.findAll('button').filter((one) => one.text() === 'Sign out')
  expect(buttons.map((one) => one.attributes('aria-label'))).toEqual([
    'Sign out Safari on iPhone, 203.0.113.7',
  ])
  await buttons[0]!.trigger('click')
  await flushPromises()
  expect(toasts[0]!.text).toBe('Safari on iPhone is signed out.')
  expect(of('GET /auth/sessions/')).toHaveLength(2)
})

test('signs other devices out', async () => {
  const { page, of } = await open({ 'POST /auth/logout/others/': [200, { detail: 'Done.' }] })
  await submit(page, 'Sign out everywhere else')
  expect(of('POST /auth/logout/others/')).toHaveLength(1)
  expect(toasts[0]!.text).toBe('Other devices are signed out.')
})

test('the only device is told so, in place of a button that would do nothing', async () => {
  const { page } = await open({ 'GET /auth/sessions/': [200, [{ ...SESSION, is_current: true }]] })
  expect(page.text()).toContain('You’re signed in only here.')
  expect(page.text()).not.toContain('Sign out everywhere else')
})

test('sends a link to who has no password, and asks for none before', async () => {
  const { page, of } = await open({
    'GET /auth/session/': [200, { user: { ...USER, has_password: false } }],
    'POST /auth/password/reset/': [200, { detail: 'Sent.' }],
  })
  expect(page.find('[name=old_password]').exists()).toBe(false)
  expect(page.text()).not.toContain('Delete the account …')
  await submit(page, 'Send me the link')
  expect(of('POST /auth/password/reset/')[0]!.body).toEqual({ email: USER.email })
  expect(page.text()).toContain(`on its way to ${USER.email}`)
})

test('another address is asked for with the password, and said where it was refused', async () => {
  const { page, of } = await open({
    'POST /auth/email/change/': problem({ email: 'This is your address already.' }),
  })
  await press(page, 'Change email')
  await prove({ email: 'ada@new.example.org', password: 'four plain words' })
  expect(of('POST /auth/email/change/')[0]!.body).toEqual({
    email: 'ada@new.example.org',
    password: 'four plain words',
  })
  expect(dialog()!.textContent).toContain('This is your address already.')
  expect(focused()).toBe('email')
})

test('a link that is confirmed makes the address the one of the account', async () => {
  const sent = stubApi({
    'GET /auth/session/': [200, { user: USER, registration_open: true, google_url: null }],
    'POST /auth/email/change/confirm/': [200, { detail: 'Confirmed.' }],
  })
  const { page } = await show(ConfirmAddressPage, {
    path: '/confirm-address/:key',
    address: '/confirm-address/a-key',
  })
  expect(sent.map(({ call }) => call)).not.toContain('POST /auth/email/change/confirm/')
  await submit(page, 'Confirm email')
  expect(sent.find(({ call }) => call.includes('confirm'))!.body).toEqual({ key: 'a-key' })
  expect(page.find('h1').text()).toBe('Your email is confirmed')
})
