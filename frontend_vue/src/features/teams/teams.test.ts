import { flushPromises } from '@vue/test-utils'
import { DropdownMenuContent, DropdownMenuRoot } from 'reka-ui'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { defineComponent, h } from 'vue'

import { dialog, fill, press, problem, show, stubApi } from '@/account/testing'
import { actFor, useActing } from '@/api/acting'
import { toasts } from '@/ui/toast'

import TeamsSection from './TeamsSection.vue'
import TeamSwitch from './TeamSwitch.vue'

const ID = '0b0f4f2e-6f0e-4b5c-9d0f-5f6c0a3d9a51'
const TEAM = { id: ID, name: 'River lab', role: 'owner', support_until: null, created_at: '' }
const member = (name: string, role: string, is_you = false) => ({
  id: `${name}-id`,
  email: `${name}@example.org`,
  name: '',
  role,
  is_you,
  support_until: null,
  created_at: '2026-11-29T12:00:00Z',
})
const DETAIL = {
  ...TEAM,
  members: [member('ada', 'owner', true), member('grace', 'viewer')],
  invitations: [
    { id: 'i', email: 'new@example.org', role: 'editor', expires_at: '2026-12-06T12:00:00Z' },
  ],
}
const NO_ONE = { results: [] }
const ANSWERS: Parameters<typeof stubApi>[0] = {
  'GET /teams/list/': [200, { results: [TEAM] }],
  'GET /teams/invitations/list/': [200, NO_ONE],
  [`GET /teams/detail/${ID}/`]: [200, DETAIL],
}

afterEach(() => actFor(undefined))
beforeEach(() => {
  toasts.length = 0
})

async function open(answers: Parameters<typeof stubApi>[0] = {}) {
  const sent = stubApi({ ...ANSWERS, ...answers })
  const { page } = await show(TeamsSection)
  await flushPromises()
  return { page, of: (call: string) => sent.filter((one) => one.call === call) }
}

test('who is in no team is told what to do, and creates one', async () => {
  const { page, of } = await open({
    'GET /teams/list/': [200, NO_ONE],
    'POST /teams/create/': [201, DETAIL],
  })
  expect(page.text()).toContain('Create one, or ask to be invited')
  await fill(page, { name: 'River lab' })
  expect(of('POST /teams/create/')[0]!.body).toEqual({ name: 'River lab' })
  expect(toasts[0]!.text).toContain('River lab')
})

test('an owner sees members and invitations, changes a role and invites', async () => {
  const { page, of } = await open({
    [`PATCH /teams/members/${ID}/grace-id/`]: [200, member('grace', 'editor')],
    [`POST /teams/invite/${ID}/`]: problem({ email: 'Enter a valid email address.' }),
  })
  await press(page, 'Manage')
  expect(page.text()).toContain('new@example.org')
  await page.find('[aria-label="Role of grace@example.org"]').setValue('editor')
  await flushPromises()
  expect(of(`PATCH /teams/members/${ID}/grace-id/`)[0]!.body).toEqual({ role: 'editor' })
  await fill(page, { email: 'nobody' })
  expect(page.text()).toContain('Enter a valid email address.')
})

test('a role that is refused is not the one that is shown', async () => {
  const { page } = await open({
    [`PATCH /teams/members/${ID}/ada-id/`]: [
      409,
      { code: 'last_owner', detail: 'Needs an owner.' },
    ],
  })
  await press(page, 'Manage')
  const role = page.find<HTMLSelectElement>('[aria-label="Role of ada@example.org"]')
  await role.setValue('viewer')
  await flushPromises()
  expect(toasts[0]!.text).toContain('Needs an owner.')
  expect(role.element.value).toBe('owner')
})

test('to leave is asked about, and what forbids it is said there', async () => {
  const { page } = await open({
    [`POST /teams/leave/${ID}/`]: [409, { code: 'last_owner', detail: 'A team needs an owner.' }],
  })
  await press(page, 'Manage')
  await press(page, 'Leave team')
  const button = [...dialog()!.querySelectorAll('button')].find(
    (one) => one.textContent === 'Leave team',
  )!
  button.click()
  await flushPromises()
  expect(dialog()!.textContent).toContain('A team needs an owner.')
})

test('a viewer is offered nothing that a viewer may not do', async () => {
  const { page } = await open({
    'GET /teams/list/': [200, { results: [{ ...TEAM, role: 'viewer' }] }],
    [`GET /teams/detail/${ID}/`]: [200, { ...DETAIL, role: 'viewer', invitations: [] }],
  })
  await press(page, 'Show members')
  expect(page.text()).toContain('grace@example.org')
  const buttons = page.findAll('button').map((one) => one.text())
  expect(buttons).toContain('Leave team')
  for (const name of ['Remove', 'Invite', 'Rename', 'Delete team'])
    expect(buttons).not.toContain(name)
})

test('an invitation is accepted', async () => {
  const invitation = { ...TEAM, role: 'editor', invited_by: 'Grace', expires_at: '' }
  const { page, of } = await open({
    'GET /teams/invitations/list/': [200, { results: [invitation] }],
    [`POST /teams/accept/${ID}/`]: [200, DETAIL],
  })
  expect(page.text()).toContain('Grace invites you to the team “River lab” as editor.')
  await press(page, 'Accept')
  expect(of(`POST /teams/accept/${ID}/`)).toHaveLength(1)
})

test('the menu says for whom one works, and changes it', async () => {
  stubApi(ANSWERS)
  const Menu = defineComponent(
    () => () =>
      h(DropdownMenuRoot, { open: true, modal: false }, () =>
        h(DropdownMenuContent, null, () => h(TeamSwitch)),
      ),
  )
  await show(Menu)
  await flushPromises()
  const choices = [...document.querySelectorAll<HTMLElement>('[role=menuitemradio]')]
  expect(choices.map((one) => [one.textContent?.trim(), one.getAttribute('aria-checked')])).toEqual(
    [
      ['Yourself', 'true'],
      ['River lab', 'false'],
    ],
  )
  choices[1]!.click()
  await flushPromises()
  expect(useActing().value).toEqual({ id: ID, name: 'River lab' })
})
