// Keeps the overview of the queues as the server would show it now, while somebody looks at it. The
// page asks for itself: streams tell each user of their own requests, and to tell staff of all would
// cost every change something, whether anybody looks or not.
'use strict'

const INTERVAL = 2000
let timer
let shownAt = new Date()

/** Changes only what differs, so that focus, selection and scroll positions stay. */
function update(shown, wanted) {
  if (shown.nodeName !== wanted.nodeName || shown.childNodes.length !== wanted.childNodes.length) {
    shown.replaceWith(document.importNode(wanted, true))
  } else if (shown.nodeType === Node.ELEMENT_NODE) {
    for (const { name } of [...shown.attributes])
      if (!wanted.hasAttribute(name)) shown.removeAttribute(name)
    for (const { name, value } of wanted.attributes)
      if (shown.getAttribute(name) !== value) shown.setAttribute(name, value)
    const children = [...wanted.childNodes]
    for (const [index, child] of [...shown.childNodes].entries()) update(child, children[index])
  } else if (shown.data !== wanted.data) shown.data = wanted.data
}

async function refresh() {
  clearTimeout(timer)
  if (document.hidden) return
  const stale = document.getElementById('stale')
  let reason = ''
  try {
    const response = await fetch(location.href, { signal: AbortSignal.timeout(10000) })
    const page = new DOMParser().parseFromString(await response.text(), 'text/html')
    const wanted = response.ok && page.getElementById('queues')
    if (wanted) {
      update(document.getElementById('queues'), wanted)
      shownAt = new Date()
    } else reason = response.redirected ? stale.dataset.signedOut : stale.dataset.broken
  } catch {
    reason = stale.dataset.silent
  }
  const time = shownAt.toLocaleTimeString(document.documentElement.lang)
  const said = reason && `${reason} ${stale.dataset.since.replace('{time}', time)}`
  if (stale.textContent !== said) stale.textContent = said
  clearTimeout(timer) // another call's, which began meanwhile
  timer = setTimeout(refresh, INTERVAL)
}

document.addEventListener('visibilitychange', refresh)
timer = setTimeout(refresh, INTERVAL)
