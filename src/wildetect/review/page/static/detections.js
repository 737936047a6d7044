// Detections as cards, one page of them at a time.

import { SAID, alarm, ask, at, crop, isUnreadable, make, offer, percent, say, state, tell, unseenOf } from "./common.js";

const PAGE = 48;
const cards = new Map(); // the card's element of each detection that is shown
let list = [];
let place = 0;

const ORDERS = {
  unsure: (one, other) => one.confidence - other.confidence,
  sure: (one, other) => other.confidence - one.confidence,
  class: (one, other) => one.class.localeCompare(other.class) || other.confidence - one.confidence,
  place: (one, other) => state.places[one.image] - state.places[other.image]
    || one.xyxy[1] - other.xyxy[1] || one.xyxy[0] - other.xyxy[0],
  likeness: (one, other) => ranks[one.image][one.row] - ranks[other.image][other.row],
  image: (one, other) => one.image - other.image || one.row - other.row,
};
const WHICH = {
  all: () => true,
  open: (one) => one.standing === "detected" && unseenOf(one.image) === null,
  wrong: (one) => one.standing === "wrong",
  unsure: (one) => one.standing === "unsure",
  unseen: (one) => unseenOf(one.image) !== null,
};

let ranks = null; // of likeness, by image and row
let round = 0; // of choosing: the newest counts

/** Have all pictures compared, which is done only while somebody waits for it. */
async function compare() {
  const own = round;
  while (own === round) {
    const answer = await ask("api/likeness");
    if (own !== round) return;
    ranks = answer.ranks;
    if (ranks) {
      choose();
      return;
    }
    at("where").textContent = `Comparing what looks alike: ${answer.compared.toLocaleString("en")} of ${answer.of.toLocaleString("en")} photographs`;
  }
}

/** Choose and sort; what is chosen stays until the next time, so that nothing jumps under one's hands. */
export function choose() {
  const which = WHICH[at("which").value];
  const name = at("of-class").value;
  list = state.detections.filter((one) => which(one) && (!name || one.class === name));
  round += 1;
  const order = at("sort").value;
  place = 0;
  if (order === "likeness" && !ranks) {
    list = []; // nothing is judged in an order that is about to change
    show();
    at("no-cards").hidden = true;
    at("where").textContent = "Comparing what looks alike";
    compare().catch((error) => alarm(error.message));
    return;
  }
  list.sort(ORDERS[order]);
  show();
}

export function show() {
  const first = place - (place % PAGE);
  const shown = list.slice(first, first + PAGE);
  cards.clear();
  at("cards").replaceChildren(...shown.map((one, index) => card(one, first + index)));
  at("no-cards").hidden = list.length > 0;
  at("where").textContent = list.length
    ? `${first + 1} to ${first + shown.length} of ${list.length.toLocaleString("en")}` : "";
  mark(false);
}

function card(one, index) {
  const made = make("button", "card");
  made.type = "button";
  const picture = crop(one, "lazy");
  made.append(picture, make("span"), make("span", "said"), make("span", "soft", state.images[one.image]));
  made.addEventListener("click", () => { place = index; mark(true); });
  cards.set(one, made);
  refresh(one);
  return made;
}

function refresh(one) {
  const made = cards.get(one);
  if (!made) return;
  const why = unseenOf(one.image);
  const said = why !== null && one.standing === "detected" ? "cannot be judged" : SAID[one.standing];
  made.className = `card ${one.standing} ${why === null ? "" : "unseen"}`;
  made.title = why ?? "";
  made.children[1].textContent = `${one.class} ${percent(one.confidence)}`;
  made.children[2].textContent = said;
  const text = `${one.class}, ${percent(one.confidence)}, ${state.images[one.image]}: ${[said, why].filter(Boolean).join(", ")}`;
  made.setAttribute("aria-label", text);
}

export function refreshAll() {
  for (const one of cards.keys()) refresh(one);
}

function mark(focus) {
  offer(!list.length || unseenOf(list[place].image) === null);
  for (const [one, made] of cards) {
    const current = one === list[place];
    made.setAttribute("aria-current", String(current));
    made.tabIndex = current ? 0 : -1;
    if (current && focus) made.focus();
  }
}

export function go(steps) {
  if (!list.length) return;
  const before = place - (place % PAGE);
  place = Math.min(Math.max(place + steps, 0), list.length - 1);
  if (before !== place - (place % PAGE)) show();
  mark(true);
}

export const turn = (pages) => go(pages * PAGE);

export const focus = () => mark(true);

/** Show one card alone, as large as the screen has room for, or the grid again. */
export function toggleSingle() {
  const single = at("cards").classList.toggle("single");
  at("single").setAttribute("aria-pressed", String(single));
  if (list.length) mark(true);
}

export function row() {
  const columns = getComputedStyle(at("cards")).gridTemplateColumns.split(" ").length;
  return columns || 1;
}

export async function verdict(kind, name) {
  const one = list[place];
  if (!one || isUnreadable(cards.get(one), one.image)) return;
  await say({ verdict: kind, image: one.image, detection: one.id, class: name });
  refreshAll();
  tell(`${one.class}: ${SAID[one.standing]}`);
  go(1);
}

/** Go to a detection, if it is among those that are listed. */
export function goTo(id) {
  const found = list.findIndex((one) => one.id === id);
  if (found >= 0) go(found - place);
  refreshAll();
}
