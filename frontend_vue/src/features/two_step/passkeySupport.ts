/** Whether this browser has passkeys, and speaks of them in JSON as the API does. */
export function havePasskeys(): boolean {
  return (
    typeof PublicKeyCredential !== 'undefined' &&
    'parseRequestOptionsFromJSON' in PublicKeyCredential
  )
}
