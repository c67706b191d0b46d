// Keeps the page new after every build, and does what the editor asks for.

import { follow } from "./following.js";
import { choose, draw, frame, look, print, withMail } from "./showing.js";

const root = document.documentElement;
const source = document.getElementById("source");
const parts = [...document.querySelectorAll("[data-live]")];
const taken = new Map(parts.map((part) => [part.id, part.innerHTML])); // as the program sent it

// --- from a finding to its place ---------------------------------------------------------

function jump({ line, story, source: only }) {
  if (only) return void showLine(Number(only));
  withMail(() => showPlace(line, story) || (line && showLine(Number(line))));
}

// What begins in that line of the source, where readers see it; else the whole story.
function showPlace(line, story) {
  const page = frame().contentDocument;
  const seen = (place) => place !== page.body && place.getClientRects().length > 0;
  const whole = story ? page?.getElementById(`story-${story}`) : null;
  const begun = line ? [...(page?.body.querySelectorAll(`[data-line="${line}"]`) ?? [])] : [];
  const exact = begun.find((place) => seen(place) && (!whole || whole.contains(place)));
  const place = exact ?? whole;
  if (!place || !seen(place)) return false;
  place.scrollIntoView({ block: "center" });
  place.style.outline = "3px solid #3b82c4";
  place.style.outlineOffset = "3px";
  setTimeout(() => (place.style.outline = ""), 4000);
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

let read = { mail: "", done: null }; // once for each mail

function readSource() {
  const { view, mail } = root.dataset;
  if (view === "source" && read.mail !== mail) read = { mail, done: fillSource() };
  return read.done;
}

async function fillSource() {
  const answer = await fetch("/source");
  if (!answer.ok) return;
  const lines = (await answer.text()).split("\n").map((text) => {
    const line = document.createElement("code");
    line.textContent = text || " ";
    return line;
  });
  source.replaceChildren(...lines);
}

// --- what the editor can do ----------------------------------------------------------------

let sending = false;

function say(words, good) {
  const said = document.getElementById("said");
  said.textContent = words;
  said.className = good ? "good" : "bad";
  said.hidden = !words;
}

async function sendTest(button) {
  if (sending) return;
  if (button.getAttribute("aria-disabled")) return void say(button.title, false);
  sending = true;
  say("Sending the test …", true);
  try {
    const answer = await fetch("/test", { method: "POST" });
    const { sent, message } = await answer.json();
    say(message, sent);
  } catch {
    say("The test was not sent: the preview does not answer.", false);
  }
  sending = false;
}

async function decide(button) {
  if (sending) return;
  if (button.getAttribute("aria-disabled")) return void say(button.title, false);
  sending = true;
  const taking = button.classList.contains("approved");
  try {
    const asked = { method: "POST", body: button.dataset.hash ?? "" };
    const answer = await fetch(taking ? "/unapprove" : "/approve", asked);
    const { done, message } = await answer.json();
    await update();
    say(message, done);
  } catch {
    say("Nothing was changed: the preview does not answer.", false);
  }
  sending = false;
  document.getElementById("approve")?.focus();
}

// --- what the program does -----------------------------------------------------------------

async function update() {
  const answer = await fetch("/");
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  const { version, mail } = fresh.documentElement.dataset;
  if (count(version) < count(root.dataset.version)) return; // overtaken by a newer answer
  document.title = fresh.title;
  for (const part of parts) take(part, fresh.getElementById(part.id));
  Object.assign(root.dataset, { version, mail });
  if (!sending) say("");
  draw();
  readSource();
}

// What the editor has opened in a part, and where the focus is, stay as they are.
function take(part, now) {
  const html = now.innerHTML;
  if (taken.get(part.id) === html) return;
  taken.set(part.id, html);
  const words = (place) => place.closest("li.error, li.warning")?.querySelector(".kind + p").textContent;
  const opened = new Set([...part.querySelectorAll("details[open]")].map(words));
  const focused = part.contains(document.activeElement) ? document.activeElement : null;
  const same = (place) => place.textContent === focused.textContent && words(place) === words(focused);
  part.replaceChildren(...now.childNodes);
  for (const details of part.querySelectorAll("details")) details.open = opened.has(words(details));
  if (focused) [...part.querySelectorAll("button, summary")].find(same)?.focus();
}

function count(version) {
  return Number(version.split(".")[1]);
}

function hear({ line, mark }) {
  root.dataset.line = line;
  if (line !== "open" || !mark || mark === root.dataset.version) return;
  const [run] = root.dataset.version.split(".");
  if (mark.split(".")[0] !== run) location.reload(); // started anew: nothing here is of it
  else update().catch(() => (root.dataset.line = "lost"));
}

// --- begin -----------------------------------------------------------------------------------

document.addEventListener("click", ({ target }) => {
  const button = target.closest("button");
  if (!button) return;
  const { view, toggle } = button.dataset;
  if (view) choose(view);
  else if (toggle) choose(null, toggle);
  else if (button.id === "print") print();
  else if (button.id === "test") sendTest(button);
  else if (button.id === "approve") decide(button);
  else jump(button.dataset);
});
addEventListener("look", readSource);
if (location.search) history.replaceState(null, "", location.pathname + location.hash); // the token
look();
follow(hear);
