// What both ways of working share: the state, the talk with the program, and the texts.

export const at = (id) => document.getElementById(id);

export const state = {
  classes: [], images: {}, detections: [], photographs: [], animals: [], pairs: {}, tolerance: 0, missing: null,
  places: [], unseen: {}, pictures: "", imageOf: new Map(),
};

/** Why nobody can look at the photograph of an image; null where it is there. */
export const unseenOf = (image) => state.unseen[image] ?? null;

/** Whether the photograph of a detection is there to be judged. */
export const isSeen = (id) => unseenOf(state.imageOf.get(id)) === null;

/** The address of a picture: a browser keeps pictures of other runs that had the same port. */
export const pictureAt = (path) => `${path}?${state.pictures}`;

export const SAID = {
  detected: "not yet checked", right: "right", wrong: "wrong", unsure: "unsure", class: "class changed",
  moved: "moved", added: "added",
};

/** An element with a class and a text; names go in as text, never as markup. */
export function make(tag, classes = "", text = "") {
  const made = document.createElement(tag);
  made.className = classes;
  made.textContent = text;
  return made;
}

/** The picture of a detection; that it cannot be read is said in its place. */
export function crop({ image, row }, loading = "eager") {
  const picture = new Image();
  picture.loading = loading;
  picture.alt = "";
  picture.addEventListener("error", () => {
    picture.alt = unseenOf(image) ?? "cannot be read";
    picture.dataset.unreadable = "";
  });
  picture.src = pictureAt(`crop/${image}/${row}.jpg`);
  return picture;
}

/** Whether a card's picture cannot be seen: nobody can judge what nobody sees. */
export function isUnreadable(card, image) {
  const is = Boolean(card?.querySelector("img[data-unreadable]")) || unseenOf(image) !== null;
  if (is) alarm(blind(image));
  return is;
}

const NOT_SEEN = "Nothing can be said of what nobody sees.";

/** Why nothing can be said of a photograph, and what to do. */
export function blind(image) {
  const why = unseenOf(image);
  if (why === null) return `This photograph cannot be read: its file is damaged. ${NOT_SEEN}`;
  return `${state.images[image]} cannot be judged: ${why}. ${NOT_SEEN} If the run's photographs lie elsewhere, `
    + "end this page and name their folder: review.open --source FOLDER. If it was only edited, give the "
    + "command of the run again: it detects in it again.";
}

const OF_VERDICTS = ["right", "wrong", "unsure", "class", "set-class", "done", "add", "shape", "same", "not-same"];

/** Offer verdicts, or none. */
export function offer(can) {
  for (const id of OF_VERDICTS) at(id).disabled = !can;
}

export const percent = (value) => (value === null ? "" : `${Math.round(100 * value)}%`);

export function colourOf(name) {
  return state.classes.find((one) => one.name === name)?.colour ?? "#ffffff";
}

export const tell = (text) => { at("told").textContent = text; };

export function alarm(text) {
  at("alarm").textContent = text;
  at("alarm").hidden = !text;
}

/** Ask the program; an Error says why it did not do it. */
export async function ask(path, body) {
  const wish = body === undefined ? {} : {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
  };
  let answer;
  try {
    answer = await fetch(path, wish);
  } catch {
    throw new Error("The program behind this page has ended: what you said last was not kept. Start "
      + "review.open again and open the address that it prints.");
  }
  if (answer.status === 403) {
    throw new Error("This address is an old one. Open the address that review.open prints.");
  }
  const document = await answer.json();
  if (!answer.ok) Object.assign(state.unseen, document.unseen);
  if (!answer.ok) throw new Error([document.error, document.hint].filter(Boolean).join(" "));
  return document;
}

const PAUSE = 60; // s: a longer gap is no work
const LATELY = 50; // verdicts that the pace is taken from
const FEWEST = 5;
const times = []; // s, of the last verdicts

/** Verdicts a minute of late, pauses left out; null until there are enough. */
export function pace() {
  const gaps = times.slice(1).map((time, index) => time - times[index]).filter((gap) => gap < PAUSE);
  const seconds = gaps.reduce((sum, gap) => sum + gap, 0);
  return gaps.length < FEWEST || seconds === 0 ? null : (60 * gaps.length) / seconds;
}

/** Note that a verdict is on the disk. */
export function wasSaid() {
  times.push(performance.now() / 1000);
  if (times.length > LATELY) times.shift();
}

// One thing after the other: a verdict is on the disk before the next key counts.
let last = Promise.resolve();

export function inTurn(work) {
  last = last.then(work).then(() => {}, (error) => alarm(error.message));
  return last;
}

/** Take over what stands in an image now. */
export function takeOver(photograph) {
  if (photograph.unseen === null) delete state.unseen[photograph.image];
  else state.unseen[photograph.image] = photograph.unseen;
  const marks = new Map(photograph.marks.map((mark) => [mark.id, mark]));
  for (const card of state.detections) {
    if (card.image === photograph.image && marks.has(card.id)) Object.assign(card, marks.get(card.id));
  }
  for (const one of state.photographs) {
    if (one.image === photograph.image) one.complete = photograph.complete;
  }
}

export async function say(body) {
  const photograph = await ask("api/verdict", body);
  wasSaid();
  alarm("");
  takeOver(photograph);
  return photograph;
}
