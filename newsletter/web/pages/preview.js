// Keeps the page new after every build, and lets the editor choose how to see the mail.
"use strict";

const root = document.documentElement;
const paper = document.querySelector(".paper");
const views = document.querySelectorAll("[data-view][type=button]");
const toggles = document.querySelectorAll("[data-toggle]");
const source = document.getElementById("source");
const VIEWS = ["desktop", "phone", "text", "source"];
let arriving = null;
let after = null; // what to do once the mail that is asked for is there

// The choice lives in the address (#phone+dark), so that a reload keeps it.
function chosen() {
  return new Set(location.hash.slice(1).split("+"));
}

function viewOf(words) {
  return VIEWS.find((name) => words.has(name)) ?? "desktop";
}

function choose(view, toggle) {
  const words = chosen();
  const now = view ?? viewOf(words);
  if (toggle && !words.delete(toggle)) words.add(toggle);
  const kept = [...toggles].map((button) => button.dataset.toggle).filter((name) => words.has(name));
  history.replaceState(null, "", `#${[now, ...kept].join("+")}`);
  look();
}

function look() {
  const words = chosen();
  const view = viewOf(words);
  root.dataset.view = view;
  root.dataset.theme = words.has("dark") ? "dark" : "light";
  for (const button of views) {
    button.setAttribute("aria-pressed", String(button.dataset.view === view));
  }
  for (const button of toggles) {
    button.setAttribute("aria-pressed", String(words.has(button.dataset.toggle)));
    button.disabled = view === "text" || view === "source";
  }
  draw();
  if (view === "source") readSource();
}

function address() {
  const words = chosen();
  const asked = new URLSearchParams({ theme: root.dataset.theme, mail: root.dataset.mail });
  if (words.has("bare")) asked.set("styles", "off");
  if (words.has("blind")) asked.set("images", "off");
  return `/mail?${asked}`;
}

// A new mail is drawn behind the old one and takes its place when it is there, at the same line.
function draw() {
  const old = paper.querySelector("iframe.mail");
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
  arrived();
}

function arrived() {
  const then = after;
  after = null;
  then?.();
}

// --- from a finding to its place ---------------------------------------------------------

function jump(button) {
  const { line, story } = button.dataset;
  const there = () => showStory(story) || (line && showLine(Number(line)));
  if (!story) return void showLine(Number(line));
  if (["desktop", "phone"].includes(root.dataset.view)) return void there();
  after = there;
  choose("desktop");
}

function showStory(story) {
  const page = paper.querySelector("iframe.mail").contentDocument;
  const place = page?.getElementById(`story-${story}`);
  if (!place) return false;
  place.scrollIntoView({ block: "center" });
  place.style.outline = "3px solid #3b82c4";
  setTimeout(() => (place.style.outline = ""), 2500);
  return true;
}

async function showLine(line) {
  choose("source");
  await readSource();
  source.querySelector(".here")?.classList.remove("here");
  const place = source.children[line - 1];
  place?.classList.add("here");
  place?.scrollIntoView({ block: "center" });
}

async function readSource() {
  if (source.dataset.mail === root.dataset.mail) return;
  const number = root.dataset.mail;
  const answer = await fetch("/source");
  if (!answer.ok) return;
  const lines = (await answer.text()).split("\n").map((text) => {
    const line = document.createElement("code");
    line.textContent = text || " ";
    return line;
  });
  source.replaceChildren(...lines);
  source.dataset.mail = number;
}

// --- what the editor can do ----------------------------------------------------------------

function say(words, good) {
  const said = document.getElementById("said");
  said.textContent = words;
  said.className = good ? "good" : "bad";
  said.hidden = !words;
}

async function sendTest(button) {
  button.disabled = true;
  say("Sending the test …", true);
  try {
    const answer = await fetch("/test", { method: "POST" });
    const { sent, message } = await answer.json();
    say(message, sent);
  } catch {
    say("The test was not sent: the preview does not answer.", false);
  }
  button.disabled = false;
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
  if (root.dataset.view === "source") readSource();
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
  button.addEventListener("click", () => choose(button.dataset.view));
}
for (const button of toggles) {
  button.addEventListener("click", () => choose(null, button.dataset.toggle));
}
document.getElementById("findings").addEventListener("click", (event) => {
  const button = event.target.closest(".jump");
  if (button) jump(button);
});
document.getElementById("test").addEventListener("click", (event) => sendTest(event.target));
document.getElementById("print").addEventListener("click", () => {
  paper.querySelector("iframe.mail").contentWindow.print();
});
addEventListener("hashchange", look);
paper.querySelector("iframe.mail").addEventListener("load", (event) => dress(event.target));
if (location.search) history.replaceState(null, "", location.pathname + location.hash); // the token
look();
listen();
