import { flushPromises } from '@vue/test-utils'
import { afterEach, expect, test, vi } from 'vitest'

import AccountPage from '@/account/AccountPage.vue'
import LoginPage from '@/account/LoginPage.vue'
import {
  dialog,
  fill,
  focused,
  press,
  problem,
  prove,
  show,
  stubApi,
  USER,
} from '@/account/testing'
import { queryClient } from '@/api/queryClient'
import { toasts } from '@/ui/toast'

import account from './account'
import { mfaQuery } from './queries'

afterEach(() => vi.unstubAllGlobals())

const PROPOSAL = {
  secret: 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567',
  url: 'otpauth://x',
  qr_svg: '<svg/>',
}
const CODES = ['11111111', '22222222']

async function open(
  answers: Parameters<typeof stubApi>[0],
  mfa: { enabled: boolean; left: number; app?: boolean } = { enabled: false, left: 0 },
  address = '/here',
) {
  const sent = stubApi({
    'GET /auth/session/': [200, { user: USER, registration_open: true, google_url: null }],
    'GET /auth/mfa/': [
      200,
      { enabled: mfa.enabled, app: mfa.app ?? mfa.enabled, recovery_codes_left: mfa.left },
    ],
    'GET /auth/mfa/passkeys/': [200, []],
    'GET /auth/tokens/': [200, { results: [] }],
    ...answers,
  })
  await account.section() // as the router does
  const { page } = await show(AccountPage, { address, modules: [account] })
  await flushPromises()
  return { page, of: (call: string) => sent.filter((one) => one.call === call) }
}

async function signIn(answers: Parameters<typeof stubApi>[0]) {
  const sent = stubApi({
    'GET /auth/session/': [200, { user: null, registration_open: true, google_url: null }],
    ...answers,
  })
  const { page } = await show(LoginPage, { path: '/login', modules: [account] })
  await fill(page, { email: 'ada@example.org', password: 'secret' })
  return { page, of: (call: string) => sent.filter((one) => one.call === call) }
}

test('sign-in asks for the code, and keeps the password', async () => {
  const { page, of } = await signIn({
    'POST /auth/login/': [403, { code: 'mfa_required', detail: 'Enter the code.' }],
  })
  expect(of('POST /auth/login/')[0]!.body).not.toHaveProperty('code')
  expect(focused()).toBe('code')
  expect((page.find('[name=password]').element as HTMLInputElement).value).toBe('secret')
  expect(page.find('[role=alert]').exists()).toBe(false)

  stubApi({ 'POST /auth/login/': problem({ code: 'This code is not right.' }) })
  await fill(page, { code: '000000' })
  expect(page.text()).toContain('This code is not right.')
  expect(focused()).toBe('code')
  expect((page.find('[name=code]').element as HTMLInputElement).value).toBe('')

  const again = stubApi({ 'POST /auth/login/': problem({ non_field_errors: 'Wrong password.' }) })
  await fill(page, { code: '111111' })
  expect(again[0]!.body).toEqual({
    email: 'ada@example.org',
    password: 'secret',
    code: '111111',
    token: false,
  })
  expect(page.find('[name=code]').exists()).toBe(false)
  expect(focused()).toBe('password')
})

test('setting up shows the secret, and refuses a wrong code at its field', async () => {
  const { page, of } = await open({
    'POST /auth/mfa/propose/': [200, PROPOSAL],
    'POST /auth/mfa/activate/': problem({ code: 'This code is not right.' }),
  })
  await press(page, 'Set it up')
  expect(page.text()).toContain('ABCD EFGH')
  expect(page.find('img').attributes('src')).toMatch(/^data:image\/svg\+xml,/)
  await fill(page, { code: '000 000', password: 'my own' })
  expect(focused()).toBe('code')
  expect(of('POST /auth/mfa/activate/')[0]!.body).toEqual({
    secret: PROPOSAL.secret,
    code: '000000',
    password: 'my own',
  })
})

test('what is being set up stays when its state cannot be asked for again', async () => {
  const { page } = await open({ 'POST /auth/mfa/propose/': [200, PROPOSAL] })
  await press(page, 'Set it up')
  await page.find('[name=code]').setValue('123')
  stubApi({})
  await queryClient.refetchQueries(mfaQuery) // as when the window has the focus again
  await flushPromises()
  expect(page.find<HTMLInputElement>('[name=code]').element.value).toBe('123')
})

test('recovery codes are shown until they are put away', async () => {
  const { page } = await open({
    'POST /auth/mfa/propose/': [200, PROPOSAL],
    'POST /auth/mfa/activate/': [200, { recovery_codes: CODES }],
  })
  await press(page, 'Set it up')
  await fill(page, { code: '123456', password: 'my own' })
  expect(focused()).toBe('Keep your recovery codes')
  for (const code of CODES) expect(page.text()).toContain(code)
  expect(page.find('a[download]').attributes('href')).toMatch(/^blob:/)
  await press(page, 'I have kept them')
  expect(page.text()).not.toContain(CODES[0])
})

test('few recovery codes are a warning', async () => {
  const { page } = await open({}, { enabled: true, left: 1 })
  expect(page.text()).toContain('1 recovery code is left')
})

test('turning it off asks for password and code', async () => {
  const { page, of } = await open(
    { 'POST /auth/mfa/deactivate/': [200, { detail: 'Off.' }] },
    { enabled: true, left: 9 },
  )
  await press(page, 'Turn off …')
  await prove({ password: 'my own', code: '123456' })
  expect(of('POST /auth/mfa/deactivate/')[0]!.body).toEqual({ password: 'my own', code: '123456' })
  expect(toasts[0]!.text).toBe('Two-step sign-in is off.')
})

test('deleting the account asks for the code of an account that has one', async () => {
  const { page, of } = await open(
    { 'POST /auth/user/delete/': problem({ code: 'This code is not right.' }) },
    { enabled: true, left: 9 },
  )
  await press(page, 'Delete the account …')
  await prove({ password: 'my own', code: '123456' })
  expect(of('POST /auth/user/delete/')[0]!.body).toEqual({ password: 'my own', code: '123456' })
  expect(dialog()!.textContent).toContain('This code is not right.')
})

test.each([
  ['POST /auth/password/change/', { old_password: 'old one', new_password1: 'four plain words' }],
  ['POST /auth/tokens/', { name: 'night job' }],
])('%s asks for the code when the API does', async (call, values) => {
  const { page } = await open(
    { [call]: [403, { code: 'mfa_required', detail: 'Enter the code.' }] },
    { enabled: true, left: 9 },
  )
  const first = Object.keys(values)[0]!
  const form = page
    .findAll('form')
    .find(
      (one) => one.find(`[name=${first}]`).exists() && !one.find('[autocomplete=name]').exists(),
    )!
  const send = async (typed: Record<string, string>) => {
    for (const [name, value] of Object.entries(typed))
      await form.find(`[name=${name}]`).setValue(value)
    await form.trigger('submit')
    await flushPromises()
  }
  expect(form.find('[name=code]').exists()).toBe(false)
  await send(values)
  const sent = stubApi({ [call]: problem({ code: 'This code is not right.' }) })
  await send({ code: '123456' })
  expect(sent.find((one) => one.call === call)!.body).toMatchObject({ ...values, code: '123456' })
  expect(form.text()).toContain('This code is not right.')
})

test('who has no password is told to choose one before setting it up', async () => {
  const { page } = await open({
    'GET /auth/session/': [200, { user: { ...USER, has_password: false } }],
  })
  expect(page.text()).toContain('To set it up, choose a password first.')
  expect(page.text()).not.toContain('Set it up')
})

test.each([
  ['/admin/users/', '/admin/users/'],
  ['//elsewhere.example/', '/'],
])('staff who were sent here go on once it is on: %s', async (next, href) => {
  const address = `/here?next=${encodeURIComponent(next)}`
  const { page } = await open({}, undefined, address)
  expect(page.text()).toContain('Two-step sign-in is required here. Set it up to continue.')
  const { page: later } = await open({}, { enabled: true, left: 10 }, address)
  const link = later.findAll('a').find((one) => one.text() === 'Continue')!
  expect(link.attributes('href')).toBe(href)
})

/** A browser with passkeys; `answer` is what its dialog comes to. */
function haveBrowser(answer: () => object) {
  const parse = (options: object) => options
  vi.stubGlobal('PublicKeyCredential', {
    parseRequestOptionsFromJSON: parse,
    parseCreationOptionsFromJSON: parse,
  })
  const asked: object[] = []
  const ask = async ({ publicKey }: { publicKey: object }) => {
    asked.push(publicKey)
    const said = answer()
    return { toJSON: () => said }
  }
  vi.stubGlobal('navigator', { credentials: { get: ask, create: ask } })
  return asked
}

const CHALLENGE = {
  'POST /auth/mfa/passkeys/challenge/': [200, { public_key: { rpId: 'x' } }],
} as {
  [call: string]: [number, object]
}
const cancelled = () => {
  throw new DOMException('', 'NotAllowedError')
}

test('a passkey in place of the code sends the form', async () => {
  const asked = haveBrowser(() => ({ id: 'key' }))
  const { page } = await signIn({
    'POST /auth/login/': [403, { code: 'mfa_required', detail: 'Enter the code.' }],
  })
  const sent = stubApi({
    ...CHALLENGE,
    'POST /auth/login/': problem({ passkey: 'This passkey was not accepted.' }),
  })
  await press(page, 'Use a passkey')
  await flushPromises()
  expect(asked).toEqual([{ rpId: 'x' }])
  expect(sent.find(({ call }) => call === 'POST /auth/login/')!.body).toMatchObject({
    password: 'secret',
    passkey: { id: 'key' },
  })
  // Refused: said, and a code can be typed instead.
  expect(page.text()).toContain('This passkey was not accepted.')
  expect(page.find('[name=code]').attributes('disabled')).toBeUndefined()
})

test('a cancelled passkey is said, and nothing is sent', async () => {
  haveBrowser(cancelled)
  const { page } = await signIn({
    'POST /auth/login/': [403, { code: 'mfa_required', detail: 'Enter the code.' }],
  })
  const sent = stubApi(CHALLENGE)
  await press(page, 'Use a passkey')
  expect(page.text()).toContain('No passkey was used.')
  expect(sent.map(({ call }) => call)).toEqual(['POST /auth/mfa/passkeys/challenge/'])
})

test('after a refused passkey a code can be typed', async () => {
  haveBrowser(() => ({ id: 'key' }))
  const { page, of } = await open(
    { ...CHALLENGE, 'POST /auth/mfa/deactivate/': problem({ passkey: 'Not accepted.' }) },
    { enabled: true, left: 9 },
  )
  await press(page, 'Turn off …')
  dialog()!.querySelector<HTMLInputElement>('[name=password]')!.value = 'my own'
  const button = [...dialog()!.querySelectorAll('button')].find(
    ({ textContent }) => textContent === 'Use a passkey',
  )!
  button.click()
  await vi.waitFor(() => expect(of('POST /auth/mfa/deactivate/')).toHaveLength(1))
  await flushPromises()
  await prove({ password: 'my own', code: '123456' })
  expect(of('POST /auth/mfa/deactivate/')[1]!.body).toEqual({ password: 'my own', code: '123456' })
})

test('adding one asks for the password once, also when the browser was cancelled first', async () => {
  let answer: () => object = cancelled
  haveBrowser(() => answer())
  const row = { id: 1, name: 'laptop', created_at: '2026-01-01T00:00:00Z', last_used_at: null }
  const { page, of } = await open({
    'POST /auth/mfa/passkeys/propose/': [200, { public_key: { challenge: 'x' } }],
    'POST /auth/mfa/passkeys/': [201, { passkey: row, recovery_codes: CODES }],
  })
  await press(page, 'Add a passkey …')
  await prove({ name: 'laptop', password: 'my own' })
  expect(dialog()!.textContent).toContain('No passkey was used.')
  answer = () => ({ id: 'key' })
  await prove({})
  expect(of('POST /auth/mfa/passkeys/propose/')).toHaveLength(1)
  expect(of('POST /auth/mfa/passkeys/')[0]!.body).toEqual({
    name: 'laptop',
    credential: { id: 'key' },
  })
  expect(page.text()).toContain(CODES[0])
})

test('a browser without passkeys says so, and offers none', async () => {
  vi.stubGlobal('PublicKeyCredential', undefined)
  const { page } = await open({})
  expect(page.text()).toContain("This browser doesn't support passkeys")
  expect(page.text()).not.toContain('Add a passkey')
})
