import { api, unwrap } from '@/api/client'
import { ApiError } from '@/api/errors'
import type { components } from '@/api/schema'

import { t } from './locales'

export type Passkey = components['schemas']['Passkey']
/** What the API says the browser should make or ask for. */
export type PasskeyOptions = components['schemas']['PasskeyOptions']
type Answer = Record<string, unknown>

/** What the browser says when it has no passkey to give: by the name of its error. */
const REFUSALS = {
  NotAllowedError: 'passkey.cancelled',
  AbortError: 'passkey.cancelled',
  InvalidStateError: 'passkey.already',
  SecurityError: 'passkey.address',
} as const

/**
 * Lets somebody prove who they are with a passkey of this site.
 * @throws {ApiError} with a sentence for the form.
 */
export async function askPasskey(): Promise<Answer> {
  const { public_key } = await unwrap(api.POST('/auth/mfa/passkeys/challenge/'))
  return answerOf(() =>
    navigator.credentials.get({
      publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(
        public_key as unknown as PublicKeyCredentialRequestOptionsJSON,
      ),
    }),
  )
}

/**
 * Lets somebody make a passkey on a device of theirs.
 * @throws {ApiError} with a sentence for the form.
 */
export function makePasskey({ public_key }: PasskeyOptions): Promise<Answer> {
  return answerOf(() =>
    navigator.credentials.create({
      publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(
        public_key as unknown as PublicKeyCredentialCreationOptionsJSON,
      ),
    }),
  )
}

async function answerOf(ask: () => Promise<Credential | null>): Promise<Answer> {
  try {
    return ((await ask()) as PublicKeyCredential).toJSON() as Answer
  } catch (error) {
    const name = (error as Error).name as keyof typeof REFUSALS
    throw new ApiError(400, 'passkey', t(REFUSALS[name] ?? 'passkey.failed'))
  }
}
