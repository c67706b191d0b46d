// Keeps the page new after every build, and lets the editor choose how to see the mail.
"use strict";

const root = document.documentElement;
const paper = document.querySelector(".paper");
const views = document.querySelectorAll(".views button");
const dark = document.querySelector("button.dark");
let arriving = null;

// The choice lives in the address (#phone+dark), so that a reload keeps it.
function chosen() {
  const words = location.hash.slice(1).split("+");
  const view = ["desktop", "phone", "text"].find((name) => words.includes(name)) ?? "desktop";
  return { view, theme: words.includes("dark") ? "dark" : "light" };
}

function choose(change) {
  const { view, theme } = { ...chosen(), ...change };
  history.replaceState(null, "", `#${view}${theme === "dark" ? "+dark" : ""}`);
  look();
}

function look() {
  const { view, theme } = chosen();
  root.dataset.view = view;
  root.dataset.theme = theme;
  for (const button of views) {
    button.setAttribute("aria-pressed", String(button.dataset.view === view));
  }
  dark.setAttribute("aria-pressed", String(theme === "dark"));
  dark.disabled = view === "text";
  draw();
}

// A new mail is drawn behind the old one and takes its place when it is there, at the same line.
function draw() {
  const old = paper.querySelector("iframe.mail");
  dress(old);
  const address = `/mail?theme=${root.dataset.theme}&mail=${root.dataset.mail}`;
  arriving?.remove();
  arriving = null;
  if (root.dataset.mail === "0" || old.getAttribute("src") === address) return;
  const next = old.cloneNode();
  next.className = "arriving";
  next.src = address;
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
  const line = old.contentWindow.scrollY;
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
}

// A phone's scroll bar lies over the page and takes no room from it.
function dress(frame) {
  const page = frame.contentDocument?.documentElement;
  if (page) page.style.scrollbarWidth = root.dataset.view === "phone" ? "none" : "";
}

async function update() {
  const answer = await fetch("/");
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  const { version, mail } = fresh.documentElement.dataset;
  if (Number(version) < Number(root.dataset.version)) return; // overtaken by a newer answer
  document.title = fresh.title;
  for (const part of document.querySelectorAll("[data-live]")) {
    const now = fresh.getElementById(part.id);
    if (part.innerHTML !== now.innerHTML) part.replaceChildren(...now.childNodes);
  }
  Object.assign(root.dataset, { version, mail });
  draw();
}

function listen() {
  const events = new EventSource("/events");
  events.addEventListener("open", () => (root.dataset.line = "open"));
  events.addEventListener("error", () => {
    root.dataset.line = events.readyState === EventSource.CLOSED ? "ended" : "lost";
  });
  events.addEventListener("built", (event) => {
    if (event.data !== root.dataset.version) update().catch(() => (root.dataset.line = "lost"));
  });
}

for (const button of views) {
  button.addEventListener("click", () => choose({ view: button.dataset.view }));
}
dark.addEventListener("click", () => {
  choose({ theme: root.dataset.theme === "dark" ? "light" : "dark" });
});
addEventListener("hashchange", look);
paper.querySelector("iframe.mail").addEventListener("load", (event) => dress(event.target));
if (location.search) history.replaceState(null, "", location.pathname + location.hash); // the token
look();
listen();
