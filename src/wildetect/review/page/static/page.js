// The page: which way of working is open, what its keys do, and what is left.

import { alarm, ask, at, inTurn, make, offer, pace, state, takeOver, tell, unseenOf } from "./common.js";
import * as animals from "./animals.js";
import * as detections from "./detections.js";
import * as photographs from "./photographs.js";

let way = "detections";
let ready = false; // the run is here; until then nothing can be judged
let asked = null; // the way that was asked for before

function left() {
  const quick = pace();
  at("pace").textContent = quick === null ? "" : `${Math.round(quick).toLocaleString("en")} verdicts a minute`;
  if (way === "detections") {
    const open = state.detections.filter((one) => one.standing === "detected");
    at("left").textContent = leftOf(open, state.detections.length, "detections");
  } else if (way === "animals") {
    at("left").textContent = `${animals.left().toLocaleString("en")} of ${state.animals.length.toLocaleString("en")} animals left`;
  } else {
    const open = state.photographs.filter((one) => !one.complete);
    at("left").textContent = leftOf(open, state.photographs.length, state.planned ? "photographs of the plan" : "photographs");
  }
}

/** What is left of all, and what nobody can judge because its photograph is not there to be seen. */
function leftOf(open, all, what) {
  const blind = open.filter((one) => unseenOf(one.image) !== null).length;
  const left = `${(open.length - blind).toLocaleString("en")} of ${all.toLocaleString("en")} ${what} left`;
  return blind ? `${left}; ${blind.toLocaleString("en")} cannot be judged` : left;
}

const act = (work) => inTurn(async () => {
  await work();
  left();
});

function verdict(kind, name) {
  if (kind === "right" && way === "photographs" && photographs.isShaping()) {
    act(photographs.toggleShape); // Enter ends it
    return;
  }
  if (way === "animals") {
    if (kind === "right") act(animals.same);
    else if (kind === "wrong") act(animals.notSame);
    return;
  }
  act(() => (way === "detections" ? detections : photographs).verdict(kind, name));
}

function undo() {
  act(async () => {
    if (way === "photographs" && photographs.drop()) return; // nothing was said of it yet
    const photograph = await ask("api/undo", {});
    if (!photograph) {
      tell("There is nothing to undo.");
      return;
    }
    alarm("");
    takeOver(photograph);
    animals.takeOver(photograph.pairs);
    tell("undone");
    if (Object.keys(photograph.pairs).length) show("animals");
    else if (way === "animals") show("detections");
    if (way === "animals") animals.goTo(photograph.undone.detection);
    else if (way === "detections") detections.goTo(photograph.undone.detection);
    else await photographs.goTo(photograph);
  });
}

function show(wanted) {
  way = wanted;
  for (const one of ["detections", "photographs", "animals"]) {
    at(one).hidden = one !== way;
    at(`to-${one}`).setAttribute("aria-current", one === way ? "page" : "false");
  }
  for (const one of ["of-boxes", "of-pairs"]) at(one).hidden = (one === "of-pairs") !== (way === "animals");
}

function work(wanted) {
  show(wanted);
  offer(true);
  if (!ready) {
    asked = wanted;
    return;
  }
  tell(""); // it was said of what is left now
  act(async () => {
    await photographs.keep();
    if (way === "detections") detections.choose();
    else if (way === "animals") animals.begin();
    else await photographs.begin();
  });
}

const arrow = (x, y) => (event) => photographs.arrow(x, y, event.shiftKey);
const KEYS = {
  detections: {
    g: () => detections.toggleSingle(),
    ArrowRight: () => detections.go(1),
    ArrowLeft: () => detections.go(-1),
    ArrowDown: () => detections.go(detections.row()),
    ArrowUp: () => detections.go(-detections.row()),
    PageDown: () => detections.turn(1),
    PageUp: () => detections.turn(-1),
  },
  animals: {
    n: () => animals.step(1),
    p: () => animals.step(-1),
    ArrowRight: () => animals.go(1),
    ArrowLeft: () => animals.go(-1),
  },
  photographs: {
    d: (_, seen) => photographs.done(seen),
    n: () => photographs.step(1),
    p: () => photographs.step(-1),
    a: () => photographs.addAtMiddle(),
    m: () => photographs.toggleMove(),
    "+": () => photographs.zoom(1.5),
    "=": () => photographs.zoom(1.5),
    "-": () => photographs.zoom(1 / 1.5),
    0: () => photographs.whole(),
    b: () => photographs.toggleShape(),
    Escape: () => photographs.leaveShape(),
    ArrowLeft: arrow(-1, 0),
    ArrowRight: arrow(1, 0),
    ArrowUp: arrow(0, -1),
    ArrowDown: arrow(0, 1),
  },
};

// what is chosen is known only once the keys before it have had their effect
async function classKey(number) {
  const name = state.classes[number - 1]?.name;
  if (!name) return;
  at("class").value = name;
  await sayClass(name);
}

async function sayClass(name) {
  if (way === "detections") await detections.verdict("class", name);
  else if (photographs.hasChosen()) await photographs.verdict("class", name);
  else tell(`animals that you add are ${name}`);
}

/** Enter in a list: what is chosen there is said, if it is the list of classes, and the keys judge again. */
function chosenInList(event) {
  event.preventDefault();
  if (event.target.id === "class") act(() => sayClass(event.target.value));
  ({ detections, animals, photographs })[way].focus(); // at once: the next key is for what is judged
}

function pressed(event) {
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (event.ctrlKey || event.metaKey) {
    if (key === "z" && !event.shiftKey) {
      event.preventDefault();
      undo();
    }
    return;
  }
  if (event.altKey) return;
  if (event.target instanceof HTMLSelectElement) {
    if (key === "Enter") chosenInList(event);
    return;
  }
  // a button of its own is pressed by Enter; a card and a box say "right"
  const own = event.target instanceof HTMLButtonElement && !event.target.closest(".cards, .marks");
  const chooses = key === "Enter" && event.target.closest?.(".marks") && event.target.getAttribute("aria-pressed") !== "true";
  if (key === "Enter" && (own || chooses)) return;
  const said = { Enter: "right", x: "wrong", u: "unsure" }[key];
  const does = KEYS[way][key];
  if (way === "animals" && (key === "r" || key === "u" || /^[1-9]$/.test(key))) return;
  if (!said && !does && key !== "r" && !/^[1-9]$/.test(key)) return;
  event.preventDefault();
  // a key that is held down says one thing, not one of each card that passes by
  if (event.repeat && (said || key === "d" || key === "a" || /^[1-9]$/.test(key))) return;
  if (said) verdict(said);
  else if (does) {
    const seen = photographs.shown(); // now, not when the keys before it have had their effect
    act(() => does(event, seen));
  }
  else if (key === "r") at("class").focus();
  else act(() => classKey(Number(key)));
}

async function begin() {
  Object.assign(state, await ask("api/state"));
  state.imageOf = new Map(state.detections.map(({ id, image }) => [id, image]));
  document.title = `Review of ${state.run}`;
  at("run").textContent = state.run;
  at("reviewer").textContent = state.reviewer;
  for (const [place, { name }] of state.classes.entries()) {
    for (const id of ["class", "of-class"]) {
      const option = make("option", "", id === "class" && place < 9 ? `${place + 1} ${name}` : name);
      option.value = name;
      at(id).append(option);
    }
  }
  const buttons = {
    right: () => verdict("right"), wrong: () => verdict("wrong"), unsure: () => verdict("unsure"),
    "set-class": () => verdict("class", at("class").value), undo,
    single: () => act(detections.toggleSingle),
    earlier: () => act(() => detections.turn(-1)), later: () => act(() => detections.turn(1)),
    previous: () => act(() => photographs.step(-1)), next: () => act(() => photographs.step(1)),
    done: () => {
      const seen = photographs.shown();
      act(() => photographs.done(seen));
    }, add: () => act(photographs.addAtMiddle), move: photographs.toggleMove,
    shape: () => act(photographs.toggleShape),
    closer: () => photographs.zoom(1.5), farther: () => photographs.zoom(1 / 1.5), whole: photographs.whole,
    same: () => verdict("right"), "not-same": () => verdict("wrong"),
    "animal-before": () => act(() => animals.step(-1)), "animal-after": () => act(() => animals.step(1)),
  };
  for (const [id, does] of Object.entries(buttons)) at(id).addEventListener("click", does);
  for (const id of ["sort", "which", "of-class"]) at(id).addEventListener("change", () => act(detections.choose));
  for (const id of ["sort-animals", "which-animals"]) at(id).addEventListener("change", () => act(animals.choose));
  document.addEventListener("keydown", pressed);
  photographs.listen();
  for (const one of document.querySelectorAll("[inert]")) one.inert = false;
  ready = true;
  work(asked ?? (state.planned ? "photographs" : "detections"));
}

// A large run takes seconds to come: who chooses a way meanwhile gets it, and nothing else can be pressed.
for (const one of ["detections", "photographs", "animals"]) at(`to-${one}`).addEventListener("click", () => work(one));
inTurn(begin);
