// Animals of a census: all crops of one from all photographs, and its neighbours; the same one, or not.

import { SAID, at, alarm, ask, crop, isSeen, isUnreadable, make, offer, percent, state, tell, wasSaid } from "./common.js";

let list = [];
let place = 0;
let cards = []; // of the open animal: { id, neighbour } where neighbour is null for its own boxes
let chosen = 0;
let detections = new Map();

const keyOf = (one, other) => (one < other ? `${one}|${other}` : `${other}|${one}`);
const saidOf = (one, other) => state.pairs[keyOf(one, other)] ?? null;
const animalOf = (neighbour) => state.animals[neighbour[0]];
const open = () => list[place];

/** How unsure the census is: 1 at the tolerance, or with another animal at the same place. */
function doubt(animal) {
  const tolerance = state.tolerance || 1;
  const nearest = animal.neighbours[0]?.[1] ?? Infinity;
  return Math.max((animal.apart ?? 0) / tolerance, 1 - nearest / (2 * tolerance));
}

const ORDERS = {
  doubt: (one, other) => doubt(other) - doubt(one),
  apart: (one, other) => (other.apart ?? -1) - (one.apart ?? -1),
  near: (one, other) => (one.neighbours[0]?.[1] ?? Infinity) - (other.neighbours[0]?.[1] ?? Infinity),
  class: (one, other) => one.species.localeCompare(other.species) || doubt(other) - doubt(one),
};

/** Whether a box was taken out of its animal: it is another one than each of the others. */
const isOut = (animal, id) => animal.boxes.length > 1
  && animal.boxes.every((other) => other === id || saidOf(id, other) === false);

const isJudged = (animal, id) => animal.boxes.some((other) => other !== id && saidOf(id, other) !== null);

/** Whether a neighbour is the same animal, another one, or nobody said so (null). */
function neighbourSaid(animal, neighbour) {
  const said = animalOf(neighbour).boxes.flatMap((other) => animal.boxes.map((id) => saidOf(id, other)));
  if (said.includes(true)) return true;
  return said.includes(false) ? false : null;
}

function isOpen(animal) {
  const boxes = animal.boxes.filter(isSeen); // of the others nothing can be said
  const own = boxes.length > 1 && boxes.some((id) => !isJudged(animal, id));
  return own || (boxes.length > 0 && animal.neighbours.some(
    (one) => isSeen(animalOf(one).boxes[0]) && neighbourSaid(animal, one) === null,
  ));
}

export const left = () => state.animals.filter(isOpen).length;

export function begin() {
  detections = new Map(state.detections.map((one) => [one.id, one]));
  at("no-animals").textContent = state.missing ? `No animals to compare: ${state.missing}.` : "No animals to show here.";
  choose();
}

/** Choose and sort; what is chosen stays until the next time. */
export function choose() {
  const all = at("which-animals").value === "all";
  list = state.animals.filter((one) => all || isOpen(one)).sort(ORDERS[at("sort-animals").value]);
  place = 0;
  show();
}

function show() {
  const animal = open();
  at("no-animals").hidden = Boolean(animal);
  at("animal").hidden = !animal;
  if (!animal) return;
  cards = [
    ...animal.boxes.map((id) => ({ id, neighbour: null })),
    ...animal.neighbours.map((neighbour) => ({ id: animalOf(neighbour).boxes[0], neighbour })),
  ];
  const photographs = animal.boxes.length === 1 ? "in one photograph" : `in ${animal.boxes.length} photographs`;
  const apart = animal.apart === null ? "" : `, boxes up to ${animal.apart.toFixed(1)} m apart`;
  at("animal-name").textContent = `${place + 1} of ${list.length.toLocaleString("en")}: animal ${animal.number}, ${animal.species}, ${photographs}${apart}`;
  const made = cards.map(card);
  at("own").replaceChildren(...made.slice(0, animal.boxes.length));
  at("neighbours").replaceChildren(...made.slice(animal.boxes.length));
  at("near").hidden = animal.neighbours.length === 0;
  at("own-help").hidden = animal.boxes.length === 1;
  chosen = Math.max(cards.findIndex((one) => saidOfCard(animal, one) === null), 0);
  mark(true);
}

function saidOfCard(animal, { id, neighbour }) {
  if (neighbour) return neighbourSaid(animal, neighbour);
  if (animal.boxes.length === 1) return true; // nothing to say of it alone
  return isJudged(animal, id) ? !isOut(animal, id) : null;
}

function textOf(animal, one) {
  const said = saidOfCard(animal, one);
  if (said === null) return SAID.detected;
  if (!one.neighbour && animal.boxes.length === 1) return "";
  return said ? "the same animal" : "not the same";
}

function card(one, index) {
  const made = make("button", "card");
  made.type = "button";
  const detection = detections.get(one.id);
  const picture = detection ? crop(detection) : new Image();
  const name = detection ? state.images[detection.image] : "";
  const far = one.neighbour ? `${one.neighbour[1].toFixed(1)} m away` : "";
  const known = detection ? `${detection.class} ${percent(detection.confidence)}` : "";
  const what = [known, far].filter(Boolean).join(", ");
  made.append(picture, make("span", "", what), make("span", "said"), make("span", "soft", name));
  made.addEventListener("click", () => { chosen = index; mark(true); });
  one.element = made;
  one.label = `${what}, ${name}`;
  return made;
}

function mark(focus) {
  const animal = open();
  offer(isSeen(cards[chosen].id));
  for (const [index, one] of cards.entries()) {
    const said = saidOfCard(animal, one);
    one.element.className = `card ${said === null ? "" : said ? "right" : "wrong"}`;
    one.element.children[2].textContent = textOf(animal, one);
    one.element.setAttribute("aria-label", `${one.neighbour ? "neighbour" : "this animal"}, ${one.label}: ${textOf(animal, one)}`);
    one.element.setAttribute("aria-current", String(index === chosen));
    one.element.tabIndex = index === chosen ? 0 : -1;
    if (index === chosen && focus) one.element.focus();
  }
}

export function focus() {
  if (open()) mark(true);
}

export function go(steps) {
  if (!open()) return;
  chosen = Math.min(Math.max(chosen + steps, 0), cards.length - 1);
  mark(true);
}

export function step(steps) {
  const wanted = place + steps;
  if (wanted < 0 || wanted >= list.length) return;
  place = wanted;
  show();
}

async function say(verdict, pairs) {
  if (cards.some((one) => pairs.flat().includes(one.id) && isUnreadable(one.element, state.imageOf.get(one.id)))) return;
  const answer = await ask("api/pairs", { verdict, pairs });
  wasSaid();
  alarm("");
  takeOver(answer.pairs);
  goOn();
}

/** Take over what stands of pairs now; null: nobody says. */
export function takeOver(pairs) {
  for (const [key, same] of Object.entries(pairs)) {
    if (same === null) delete state.pairs[key];
    else state.pairs[key] = same;
  }
}

function goOn() {
  const animal = open();
  tell(textOf(animal, cards[chosen]) || "said");
  const next = cards.findIndex((one) => saidOfCard(animal, one) === null);
  // a neighbour that was judged may be all that a later animal asked of
  const after = next < 0 ? list.findIndex((one, index) => index > place && isOpen(one)) : -1;
  if (after >= 0) step(after - place);
  else {
    if (next >= 0) chosen = next;
    mark(true);
  }
}

/** All boxes of the animal are one; or the chosen neighbour is this animal, too. */
export async function same() {
  const animal = open();
  if (!animal) return;
  const { neighbour } = cards[chosen];
  const seen = animal.boxes.filter(isSeen);
  if (neighbour) {
    await say("same", [[seen[0] ?? animal.boxes[0], animalOf(neighbour).boxes[0]]]);
    return;
  }
  const together = seen.filter((id) => !isOut(animal, id));
  const pairs = together.slice(1).map((id, before) => [together[before], id]);
  if (pairs.length) await say("same", pairs);
  else tell("There is one box alone: choose a neighbour that is the same animal.");
}

/** The chosen box is not this animal; or the chosen neighbour is another one. */
export async function notSame() {
  const animal = open();
  if (!animal) return;
  const { id, neighbour } = cards[chosen];
  const others = neighbour ? animalOf(neighbour).boxes.filter((one) => isSeen(one) || one === id) : [id];
  const own = animal.boxes.filter((one) => one !== id && isSeen(one));
  const pairs = own.flatMap((one) => others.map((other) => [one, other]));
  if (pairs.length) await say("not-same", pairs);
  else tell("There is one box alone: choose a neighbour.");
}

/** Go to the animal with a detection, if it is among those that are listed. */
export function goTo(id) {
  const found = list.findIndex((one) => one.boxes.includes(id));
  if (found >= 0) place = found;
  show();
}
