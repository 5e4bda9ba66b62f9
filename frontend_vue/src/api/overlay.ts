/**
 * Shows an error of the server as Vite shows those of the page. Where its development server is not
 * in front, nothing happens.
 * @param text what Django answers to programs while it is developed: the traceback between facts
 */
export function showInOverlay(text: string): void {
  const Overlay = customElements.get('vite-error-overlay') as
    (new (error: { message: string; stack: string }) => HTMLElement) | undefined
  const stack = /Traceback[^]*?(?=\n\nException Type|$)/.exec(text)?.[0]
  if (!Overlay || !stack) return
  const [, kind = ''] = /^Exception Type: (.*)$/m.exec(text) ?? []
  const [, value = ''] = /^Exception Value: (.*)$/m.exec(text) ?? []
  document.querySelector('vite-error-overlay')?.remove()
  document.body.append(new Overlay({ message: `${kind}: ${value}`, stack }))
}
