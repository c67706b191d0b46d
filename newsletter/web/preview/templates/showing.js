// How the mail is shown: which tab, what some apps change, and a new mail in the old one's place.

const root = document.documentElement;
const paper = document.querySelector(".paper");
const stage = document.getElementById("stage");
const tabs = [...document.querySelectorAll("[role=tab]")];
const toggles = [...document.querySelectorAll("[data-toggle]")];
let arriving = null;
let after = null; // what to do once the mail that is asked for is there

// The choice lives in the address (#phone+dark), so that a reload keeps it.
function chosen() {
  return new Set(location.hash.slice(1).split("+"));
}

function viewOf(words) {
  return (tabs.find((tab) => words.has(tab.dataset.view)) ?? tabs[0]).dataset.view;
}

function showsMail() {
  return ["desktop", "phone"].includes(root.dataset.view);
}

export function choose(view, toggle) {
  const words = chosen();
  const now = view ?? viewOf(words);
  if (toggle && !words.delete(toggle)) words.add(toggle);
  const kept = toggles.map((button) => button.dataset.toggle).filter((name) => words.has(name));
  history.replaceState(null, "", `#${[now, ...kept].join("+")}`);
  look();
}

export function look() {
  const words = chosen();
  const view = viewOf(words);
  root.dataset.view = view;
  root.dataset.theme = words.has("dark") ? "dark" : "light";
  for (const tab of tabs) {
    const selected = tab.dataset.view === view;
    tab.setAttribute("aria-selected", String(selected));
    tab.tabIndex = selected ? 0 : -1;
  }
  stage.setAttribute("aria-labelledby", `tab-${view}`);
  for (const button of toggles) {
    button.setAttribute("aria-pressed", String(words.has(button.dataset.toggle)));
    button.disabled = !showsMail();
  }
  draw();
  dispatchEvent(new CustomEvent("look"));
}

// Arrow keys go from tab to tab, as they do everywhere.
function walk(event) {
  const now = tabs.indexOf(event.target.closest("[role=tab]"));
  const last = tabs.length - 1;
  const steps = { ArrowRight: now === last ? 0 : now + 1, ArrowLeft: (now || tabs.length) - 1, Home: 0, End: last };
  const next = tabs[steps[event.key]];
  if (!next) return;
  event.preventDefault();
  choose(next.dataset.view);
  next.focus();
}

function address() {
  const words = chosen();
  const asked = new URLSearchParams({ theme: root.dataset.theme, mail: root.dataset.mail });
  if (words.has("bare")) asked.set("styles", "off");
  if (words.has("blind")) asked.set("images", "off");
  return `/mail?${asked}`;
}

export function frame() {
  return paper.querySelector("iframe.mail");
}

// A new mail is drawn behind the old one and takes its place when it is there, at the same line.
export function draw() {
  const old = frame();
  dress(old);
  arriving?.remove();
  arriving = null;
  if (root.dataset.mail === "0") return;
  if (old.getAttribute("src") === address()) return void arrived();
  const next = old.cloneNode();
  next.className = "arriving";
  next.src = address();
  arriving = next;
  paper.append(next);
  const there = setInterval(() => {
    const page = next.isConnected && next.contentDocument;
    if (page === false) clearInterval(there);
    if (!page || page.URL === "about:blank" || page.readyState === "loading") return;
    clearInterval(there);
    swap(old, next);
  }, 10);
}

function swap(old, next) {
  const line = old.contentDocument ? old.contentWindow.scrollY : 0;
  const focused = document.activeElement === old;
  arriving = null;
  next.className = "mail";
  dress(next);
  next.contentWindow.scrollTo(0, line);
  old.remove();
  if (focused) next.focus();
  // Pictures that come late move the text; follow, unless the editor has scrolled meanwhile.
  const reached = next.contentWindow.scrollY;
  next.addEventListener("load", () => {
    if (next.contentWindow.scrollY === reached) next.contentWindow.scrollTo(0, line);
  });
  arrived();
}

function arrived() {
  const then = after;
  after = null;
  then?.();
}

// A phone's scroll bar lies over the page and takes no room from it.
function dress(mail) {
  const page = mail.contentDocument?.documentElement;
  if (page) page.style.scrollbarWidth = root.dataset.view === "phone" ? "none" : "";
}

// Shows the mail itself, and then does what is asked for: in the new mail where one is on its way.
export function withMail(then) {
  if (showsMail() && !arriving) return void then();
  after = then;
  if (!showsMail()) choose("desktop");
}

// --- on paper ------------------------------------------------------------------------------

export function print() {
  if (showsMail()) frame().contentWindow.print();
  else window.print();
}

addEventListener("keydown", (event) => {
  if (!(event.ctrlKey || event.metaKey) || event.key !== "p") return;
  event.preventDefault();
  print();
});
// Who prints by the browser's own menu gets all of the mail too, and not this window of it.
addEventListener("beforeprint", () => {
  const page = frame().contentDocument?.documentElement;
  if (page) paper.style.height = `${page.scrollHeight}px`;
});
addEventListener("afterprint", () => (paper.style.height = ""));

document.querySelector("[role=tablist]").addEventListener("keydown", walk);
addEventListener("hashchange", look);
frame().addEventListener("load", (event) => dress(event.target));
