// What Streamlit leaves to be done around its pages. Put on the document once, whatever is drawn.

const MARK = '[data-testid="stVegaLiteChart"] svg :is(path, rect, text)'
const SHARED = ["study", "architectures", "alphas", "method"] // as in dashboard/leads.py
const STYLE = `
.same-network { stroke: var(--same-network); stroke-width: 3px; }
text.same-network { stroke-width: 0; font-weight: 700; }
`

export default function ({ data }) {
  // As in dashboard/hints.py; nothing else is kept of a visitor.
  if (data?.hints.length) document.cookie = `hints_read=${data.hints.join(".")}; path=/; max-age=31536000; SameSite=Lax`
  if (window.whereModelsLookSteps) return
  window.whereModelsLookSteps = true
  oneStepAPage()
  marksLead()
  marksKnowEachOther()
}

// At a change of page the server takes from the address what belongs to the page before, and adds to it what was
// chosen on the new one. Streamlit makes steps of both, so that Back would lead to pages without their choices.
function oneStepAPage() {
  const [push, replace] = [history.pushState, history.replaceState].map((write) => write.bind(history))
  let turn = ""
  history.replaceState = (state, title, url) => replace(state, title, withTheView(url))
  history.pushState = (state, title, url) => {
    if (url && elsewhere(url)) turn = "arrived"
    else if (turn === "leaving") return
    else if (turn === "arrived" || queryOf(withTheView(url)) === queryOf(location)) {
      return replace(state, title, withTheView(url))
    }
    push(state, title, withTheView(url))
  }
  for (const act of ["pointerdown", "keydown"]) addEventListener(act, () => (turn = ""), true)
  addEventListener(
    "click",
    (event) => {
      const link = event.target.closest?.("a[href]")
      if (link && link.origin === location.origin && elsewhere(link.href)) turn = "leaving"
    },
    true,
  )
}

function elsewhere(url) {
  return new URL(url, location.href).pathname !== location.pathname
}

// How far a person has zoomed in, and the like, the viewer alone writes: the server knows at most what it was.
function withTheView(url) {
  if (!url || elsewhere(url)) return url
  const found = new URL(url, location.href)
  const view = new URLSearchParams(location.search).get("view")
  if (found.searchParams.get("view") === view) return url
  if (view === null) found.searchParams.delete("view")
  else found.searchParams.set("view", view)
  return found.href
}

// In one order: the server has its own.
function queryOf(url) {
  const query = new URL(url ?? location.href, location.href).searchParams
  query.sort()
  return query.toString()
}

// A mark with an address: Vega would load the whole app anew, and lose what is kept for this visitor.
function marksLead() {
  addEventListener(
    "click",
    (event) => {
      const item = event.target.closest?.(MARK)?.__data__
      if (!item?.href) return
      event.stopPropagation()
      event.preventDefault()
      const url = asChosenNow(new URL(item.href, document.baseURI))
      if (event.ctrlKey || event.metaKey || event.shiftKey) return void open(url)
      history.pushState({}, "", url)
      dispatchEvent(new PopStateEvent("popstate", { state: {} }))
    },
    true,
  )
}

// A switch thrown a moment ago is in the address before the charts are drawn anew.
function asChosenNow(url) {
  const here = new URLSearchParams(location.search)
  for (const key of SHARED) {
    url.searchParams.delete(key)
    for (const value of here.getAll(key)) url.searchParams.append(key, value)
  }
  return url
}

// Pointing at a network's mark marks it in every chart of the page.
function marksKnowEachOther() {
  document.head.append(Object.assign(document.createElement("style"), { textContent: STYLE }))
  let marked = ""
  addEventListener("pointerover", (event) => {
    const mark = event.target.closest?.(MARK)
    const network = name(mark)
    if (network === marked) return
    marked = network
    for (const other of document.querySelectorAll(".same-network")) other.classList.remove("same-network")
    if (!network) return
    document.documentElement.style.setProperty("--same-network", getComputedStyle(document.body).color)
    for (const other of document.querySelectorAll(MARK)) {
      if (name(other) === network) other.classList.add("same-network")
    }
  })
}

function name(mark) {
  const row = mark?.__data__?.datum
  return row?.network !== undefined && row.alpha !== undefined ? `${row.network} ${row.alpha}` : ""
}
