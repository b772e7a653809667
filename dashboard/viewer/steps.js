// What Streamlit leaves to be done around its pages. Put on the document once, whatever is drawn.

const MARK = '[data-testid="stVegaLiteChart"] svg :is(path, rect, text)'
const SHARED = ["study", "architectures", "alphas", "method"] // as in dashboard/leads.py
const STYLE = `
.same-network { stroke: var(--same-network); stroke-width: 3px; }
text.same-network { stroke-width: 0; font-weight: 700; }
`

export default function () {
  if (window.whereModelsLookSteps) return
  window.whereModelsLookSteps = true
  oneStepAPage()
  marksLead()
  marksKnowEachOther()
}

// At a change of page the server takes from the address what belongs to the page before, and adds to it what was
// chosen on the new one. Streamlit makes steps of both, so that Back would lead to pages without their choices.
function oneStepAPage() {
  const push = history.pushState.bind(history)
  let turn = ""
  const elsewhere = (url) => new URL(url, location.href).pathname !== location.pathname
  history.pushState = (state, title, url) => {
    if (url && elsewhere(url)) turn = "arrived"
    else if (turn === "leaving") return
    else if (turn === "arrived" || sameButForTheView(url)) return history.replaceState(state, title, url)
    push(state, title, url)
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

// How far a person has zoomed in, and the like, is in the address too, but no step to go back.
function sameButForTheView(url) {
  const [here, there] = [location.href, url].map((each) => {
    const found = new URL(each, location.href)
    found.searchParams.delete("view")
    return found.href
  })
  return here === there
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
