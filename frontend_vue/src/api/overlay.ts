/**
 * Shows an error of the server as Vite shows those of the page. Where its development server is not
 * in front, nothing happens.
 * @param text Werkzeug's page of an error, which has the plain traceback as a comment at its end
 */
export function showInOverlay(text: string): void {
  const Overlay = customElements.get('vite-error-overlay') as
    (new (error: { message: string; stack: string }) => HTMLElement) | undefined
  const stack = /(Traceback \(most recent call last\):[^]*?)\s*-->/.exec(
    text.split('<!--').at(-1)!,
  )?.[1]
  if (!Overlay || !stack) return
  const message = stack.slice(stack.lastIndexOf('\n  ')).replace(/^\n.*\n/, '')
  document.querySelector('vite-error-overlay')?.remove()
  document.body.append(new Overlay({ message, stack }))
}
