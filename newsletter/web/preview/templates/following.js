// How this page hears of new builds. One of the open pages listens to the program and tells the
// others: a browser has only six lines to a place, and a page that waits for one shows nothing.

const AGAIN = 2000; // milliseconds
const ASK = "what is new?";
const others = new BroadcastChannel("preview");
let events = null; // only where this page is the one that listens
let later = 0;
let last = { line: "waiting", mark: "" };
let heard = () => {};

// `hear` gets the state of the line (waiting, open, lost, ended) and the mark of the newest build.
export function follow(hear) {
  heard = hear;
  others.addEventListener("message", ({ data }) => {
    if (data !== ASK) heard((last = data));
    else if (events && last.line === "open") others.postMessage(last);
    else if (events) listen(); // somebody just opened the preview: it may be there again
  });
  others.postMessage(ASK);
  if (navigator.locks) navigator.locks.request("preview", () => new Promise(listen));
  else listen();
}

function listen() {
  clearTimeout(later);
  events?.close();
  const mine = (events = new EventSource("/events"));
  mine.addEventListener("open", () => tell({ line: "open" }));
  mine.addEventListener("built", ({ data }) => tell({ mark: data }));
  mine.addEventListener("error", async () => {
    mine.close();
    const line = await whyNot();
    if (mine !== events) return;
    tell({ line });
    later = setTimeout(listen, AGAIN);
  });
}

function tell(news) {
  last = { ...last, ...news };
  heard(last);
  others.postMessage(last);
}

// A preview that was started anew refuses who has the token of the one before.
async function whyNot() {
  try {
    return (await fetch("/state.json")).status === 403 ? "ended" : "lost";
  } catch {
    return "lost";
  }
}
