import type { Notification } from './queries'

export const REQUEST = '0b0f4f2e-6f0e-4b5c-9d0f-5f6c0a3d9a51'

/** A notification for tests. */
export function aNotification(changes: Partial<Notification> = {}): Notification {
  return {
    id: 'a0000000-6f0e-4b5c-9d0f-5f6c0a3d9a51',
    kind: 'request.completed',
    request_kind: 'things',
    request: REQUEST,
    batch: null,
    text: 'Thing “dunes” is completed.',
    created_at: '2026-01-10T12:00:00Z',
    read_at: null,
    ...changes,
  }
}
