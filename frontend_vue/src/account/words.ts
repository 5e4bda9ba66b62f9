export const PASSWORD_HINT = 'At least 8 characters. A few words are better than one.'

/** What brought somebody to the sign-in page, as `?why=` says it. */
export const REASONS: Record<string, { tone: 'info' | 'danger'; text: string }> = {
  ended: { tone: 'info', text: 'Your session has ended. Sign in to go on where you were.' },
  deleted: {
    tone: 'info',
    text: 'Your account and everything that belonged to it are deleted.',
  },
  closed: { tone: 'danger', text: 'There is no account for you yet, and registration is closed.' },
  google: { tone: 'danger', text: 'Signing in with Google did not work. Try it once more.' },
  'google-cancelled': { tone: 'info', text: 'You did not sign in with Google.' },
  'google-unverified': {
    tone: 'danger',
    text: 'Google has not confirmed your e-mail address. Confirm it there, or register here.',
  },
}
