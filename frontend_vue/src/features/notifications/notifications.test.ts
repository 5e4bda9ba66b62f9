import { flushPromises, type VueWrapper } from '@vue/test-utils'
import { afterEach, expect, test, vi } from 'vitest'

import { dialog, fill, focused, press, problem, show, stubApi, USER } from '@/account/testing'
import { toasts } from '@/ui/toast'

import NotificationSections from './NotificationSections.vue'

afterEach(() => {
  toasts.splice(0)
  vi.unstubAllGlobals()
})

const ID = '0b0f4f2e-6f0e-4b5c-9d0f-5f6c0a3d9a51'
const WEBHOOK = {
  id: ID,
  url: 'https://example.org/hook',
  events: ['request.failed'],
  is_enabled: true,
  disabled_reason: '',
  failing_since: null,
  created_at: '2026-01-10T12:00:00Z',
}
const DELIVERY = {
  id: 'd0000000-6f0e-4b5c-9d0f-5f6c0a3d9a51',
  event: 'request.failed',
  status: 'failed',
  attempts: 3,
  status_code: 500,
  seconds: 0.25,
  error: 'The receiver responded 500.',
  response: 'out of order',
  message: { type: 'request.failed' },
  created_at: '2026-01-10T12:00:00Z',
  next_attempt_at: null,
  finished_at: '2026-01-10T12:00:00Z',
}
const PREFERENCE = { page: 'ended', browser: 'never', mail: 'never' }
const path = `/notifications/webhooks/${ID}/`

async function open(answers: Parameters<typeof stubApi>[0] = {}, webhooks: object[] = [WEBHOOK]) {
  const sent = stubApi({
    'GET /notifications/preferences/': [200, PREFERENCE],
    'GET /notifications/webhooks/': [200, { results: webhooks }],
    [`GET ${path}deliveries/`]: [200, { count: 1, results: [DELIVERY] }],
    ...answers,
  })
  const { page } = await show(NotificationSections, { props: { user: USER } })
  await flushPromises()
  return { page, of: (call: string) => sent.filter((one) => one.call === call) }
}

const pressed = async (name: string) => {
  const buttons = [...dialog()!.querySelectorAll('button')]
  buttons.find((button) => button.textContent?.trim() === name)!.click()
  await flushPromises()
}

const selected = (page: VueWrapper, name: string) =>
  page.find<HTMLSelectElement>(`select[name=${name}]`).element.value

async function select(page: VueWrapper, name: string, value: string) {
  await page.find(`select[name=${name}]`).setValue(value)
  await flushPromises()
}

function stubPermission(before: string, answer: string) {
  const requestPermission = vi.fn<() => Promise<string>>(async () => answer)
  vi.stubGlobal('Notification', { permission: before, requestPermission })
  return requestPermission
}

test('a channel is chosen and saved at once', async () => {
  const { page, of } = await open({
    'PATCH /notifications/preferences/': [200, { ...PREFERENCE, mail: 'failed' }],
  })
  expect(page.text()).toContain(USER.email)
  expect(selected(page, 'page')).toBe('ended')
  expect(selected(page, 'mail')).toBe('never')
  await select(page, 'mail', 'failed')
  expect(of('PATCH /notifications/preferences/')[0]!.body).toEqual({ mail: 'failed' })
  expect(selected(page, 'mail')).toBe('failed')
  expect(toasts[0]!.text).toBe('Your choice is saved.')
})

test('a choice that is refused is undone, with the reason', async () => {
  const { page } = await open({
    'PATCH /notifications/preferences/': [503, { code: 'away', detail: 'Come back later.' }],
  })
  await select(page, 'page', 'never')
  expect(selected(page, 'page')).toBe('ended')
  expect(page.find('[role=alert]').text()).toContain('Come back later.')
})

test('a choice waits for the one before: the later answer would show the former state', async () => {
  const { page } = await open()
  const bodies: unknown[] = []
  let answer: (response: Response) => void = () => {}
  vi.stubGlobal('fetch', async (request: Request) => {
    bodies.push(await request.json())
    return new Promise<Response>((resolve) => (answer = resolve))
  })
  await page.find('select[name=mail]').setValue('failed')
  await page.find('select[name=page]').setValue('never')
  await vi.waitFor(() => expect(bodies).toHaveLength(1))
  answer(Response.json({ ...PREFERENCE, mail: 'failed' }))
  await vi.waitFor(() => expect(bodies).toHaveLength(2))
  answer(Response.json({ ...PREFERENCE, mail: 'failed', page: 'never' }))
  await vi.waitFor(() => expect(selected(page, 'page')).toBe('never'))
  expect(selected(page, 'mail')).toBe('failed')
})

test('the browser is asked before it is chosen', async () => {
  const asked = stubPermission('default', 'granted')
  const { page, of } = await open({
    'PATCH /notifications/preferences/': [200, { ...PREFERENCE, browser: 'ended' }],
  })
  await select(page, 'browser', 'ended')
  expect(asked).toHaveBeenCalledOnce()
  expect(of('PATCH /notifications/preferences/')[0]!.body).toEqual({ browser: 'ended' })
  expect(selected(page, 'browser')).toBe('ended')
  expect(page.find('[role=alert]').exists()).toBe(false)
})

test('a browser that blocks notifications is not chosen, and it is said what to do', async () => {
  stubPermission('denied', 'denied')
  const { page, of } = await open()
  await select(page, 'browser', 'failed')
  expect(of('PATCH /notifications/preferences/')).toHaveLength(0)
  expect(selected(page, 'browser')).toBe('never')
  expect(page.find('[role=alert]').text()).toContain('Allow them in the settings')
})

test('on another browser than the one that was allowed, it can be allowed', async () => {
  const asked = stubPermission('default', 'granted')
  const { page } = await open({
    'GET /notifications/preferences/': [200, { ...PREFERENCE, browser: 'ended' }],
  })
  await press(page, 'Allow in this browser')
  expect(asked).toHaveBeenCalledOnce()
  expect(page.text()).not.toContain('Allow in this browser')
})

test('a new webhook shows its secret once', async () => {
  const { page, of } = await open(
    { 'POST /notifications/webhooks/': [201, { ...WEBHOOK, secret: 'whsec_abc' }] },
    [],
  )
  expect(page.text()).toContain('No webhooks yet.')
  await page.find('[value="request.completed"]').setValue(false)
  await fill(page, { url: ' https://example.org/hook ' })
  expect(of('POST /notifications/webhooks/')[0]!.body).toEqual({
    url: 'https://example.org/hook',
    events: ['request.failed'],
  })
  expect(page.text()).toContain('whsec_abc')
  expect(focused()).toBe('Secret of https://example.org/hook')
  await press(page, 'Done')
  expect(page.text()).not.toContain('whsec_abc')
  expect(page.find<HTMLInputElement>('[name=url]').element.value).toBe('')
})

test('what is wrong with a URL is said at its field', async () => {
  const { page } = await open({
    'POST /notifications/webhooks/': problem({ url: 'Enter a URL that begins with https://.' }),
  })
  await fill(page, { url: 'http://example.org/' })
  expect(page.text()).toContain('begins with https://')
  expect(focused()).toBe('url')
})

test('a test shows the log, where a delivery is sent again', async () => {
  const resend = `POST /notifications/deliveries/${DELIVERY.id}/resend/`
  const { page, of } = await open({
    [`POST ${path}test/`]: [201, { ...DELIVERY, event: 'webhook.test' }],
    [resend]: [200, { ...DELIVERY, status: 'pending' }],
  })
  await press(page, 'Send test')
  expect(of(`POST ${path}test/`)).toHaveLength(1)
  expect(page.text()).toContain('The receiver responded 500. · 3 attempts')
  expect(page.text()).toContain('out of order')
  const asked = of(`GET ${path}deliveries/`).length
  await press(page, 'Send again')
  expect(of(resend)).toHaveLength(1)
  expect(of(`GET ${path}deliveries/`).length).toBeGreaterThan(asked)
})

test('too many tests are refused with the reason', async () => {
  const { page } = await open({
    [`POST ${path}test/`]: [429, { code: 'throttled', detail: 'Wait.' }],
  })
  await press(page, 'Send test')
  expect(page.find('[role=alert]').text()).toContain('Wait.')
})

test('a disabled webhook says why, and is enabled again', async () => {
  const { page, of } = await open({ [`PATCH ${path}`]: [200, WEBHOOK] }, [
    { ...WEBHOOK, is_enabled: false, disabled_reason: 'gone' },
  ])
  expect(page.text()).toContain('410 Gone')
  await press(page, 'Enable')
  expect(of(`PATCH ${path}`)[0]!.body).toEqual({ is_enabled: true })
})

test('a webhook is edited', async () => {
  const { page, of } = await open({ [`PATCH ${path}`]: [200, WEBHOOK] })
  await press(page, 'Edit')
  const form = page.findAll('form').find((one) => one.text().includes('Save'))!
  await form.find('[value="request.completed"]').setValue(true)
  await form.trigger('submit')
  await flushPromises()
  expect(of(`PATCH ${path}`)[0]!.body).toEqual({
    url: WEBHOOK.url,
    events: ['request.failed', 'request.completed'],
  })
  expect(page.text()).not.toContain('Save')
})

test('a new secret and a delete are asked about first', async () => {
  const { page, of } = await open({
    [`POST ${path}new-secret/`]: [200, { secret: 'whsec_new' }],
    [`DELETE ${path}`]: [204, null],
  })
  await press(page, 'New secret …')
  expect(of(`POST ${path}new-secret/`)).toHaveLength(0)
  await pressed('Create secret')
  expect(page.text()).toContain('whsec_new')
  await press(page, 'Delete …')
  await pressed('Delete')
  expect(of(`DELETE ${path}`)).toHaveLength(1)
  expect(toasts.at(-1)!.text).toContain('is deleted')
  expect(page.text()).not.toContain('whsec_new')
})
