// Whole photographs: boxes on them, animals that were missed, and "nothing further here".

import { SAID, alarm, ask, at, blind, colourOf, inTurn, make, offer, percent, pictureAt, say, state, takeOver, tell, unseenOf } from "./common.js";
import { clearDetails, showDetails } from "./details.js";

const SVG = "http://www.w3.org/2000/svg";
const LEAST_SIDE = 2; // px of the photograph: the program takes no smaller box
const READING = "Reading the photograph ..."; // a mosaic without overviews takes a while
const SLIP = 5; // px of the screen: less is a click, not a drag
const view = { x: 0, y: 0, scale: 1 };
let place = -1;
let open = null;
let chosen = null;
let moving = false;
let drag = null;
let shaping = false; // arrows change the chosen box, not the view
let said = null; // of what is open: why nothing can be said of it
let draft = null; // a new place of a box that is not said yet

export const hasChosen = () => chosen !== null;

export function begin() {
  const first = state.photographs.findIndex((one) => !one.complete && unseenOf(one.image) === null);
  return openAt(Math.max(first, 0));
}

async function openAt(wanted) {
  await keep();
  setShaping(false);
  const one = state.photographs[wanted];
  if (!one) {
    at("photograph-name").textContent = "There are no photographs to review.";
    return;
  }
  const photograph = await ask(`api/photograph/${one.image}`);
  takeOver(photograph);
  if (said !== null && at("alarm").textContent === said) alarm("");
  said = null;
  place = wanted;
  chosen = null;
  clearDetails();
  const picture = at("photograph");
  picture.src = pictureAt(`photograph/${one.image}.jpg`);
  picture.alt = photograph.name;
  if (!picture.complete) tell(READING);
  at("sheet").style.width = `${photograph.width}px`;
  at("sheet").style.height = `${photograph.height}px`;
  at("boxes").setAttribute("viewBox", `0 0 ${photograph.width} ${photograph.height}`);
  showPhotograph(photograph);
  whole();
  focus();
  // the next one is made while this one is looked at
  const next = state.photographs[wanted + 1];
  if (next) picture.onload = () => { new Image().src = pictureAt(`photograph/${next.image}.jpg`); };
}

export const focus = () => at("stage").focus({ preventScroll: true });

export function showPhotograph(photograph) {
  if (open && state.photographs[place]?.image !== photograph.image) return;
  open = photograph;
  if (!open.marks.some((mark) => mark.id === chosen)) chosen = null;
  at("photograph-name").textContent = `${place + 1} of ${state.photographs.length}: ${open.name}`;
  const seen = unseenOf(open.image) === null;
  at("photograph-state").textContent = open.complete ? "done" : seen ? "not done yet" : "cannot be judged";
  offer(seen);
  if (!seen) cannot();
  at("ground").hidden = !open.outline?.length;
  drawBoxes();
  listMarks();
}

/** Go to the photograph in which something was undone. */
export async function goTo(photograph) {
  const found = state.photographs.findIndex((one) => one.image === photograph.image);
  if (found >= 0 && found !== place) await openAt(found);
  else showPhotograph(photograph);
}

function shape(tag, attributes, classes) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.setAttribute("class", classes);
  return made;
}

function rectangle([left, top, right, bottom], classes) {
  return shape("rect", { x: left, y: top, width: right - left, height: bottom - top }, classes);
}

function drawBoxes() {
  const shapes = open.marks.map((mark) => {
    const made = rectangle(placeOf(mark), `${mark.standing} ${mark.id === chosen ? "chosen" : ""}`);
    made.style.stroke = colourOf(mark.class);
    return made;
  });
  if (open.outline?.length) {
    shapes.push(shape("polygon", { points: open.outline.map((corner) => corner.join(",")).join(" ") }, ""));
  }
  at("boxes").replaceChildren(...shapes, shape("g", { id: "grips" }, ""));
  drawGrips();
}

/** Dots at the corners and edges of the chosen box, of one size on the screen whatever the zoom. */
function drawGrips() {
  const mark = chosenMark();
  if (!mark) {
    at("grips")?.replaceChildren();
    return;
  }
  const [left, top, right, bottom] = placeOf(mark);
  const dots = [];
  for (const x of [left, (left + right) / 2, right]) {
    for (const y of [top, (top + bottom) / 2, bottom]) {
      if (x === (left + right) / 2 && y === (top + bottom) / 2) continue;
      dots.push(shape("circle", { cx: x, cy: y, r: 4 / view.scale }, ""));
    }
  }
  at("grips")?.replaceChildren(...dots);
}

const chosenMark = () => open?.marks.find((mark) => mark.id === chosen);
const placeOf = (mark) => (draft?.id === mark.id ? draft.xyxy : mark.xyxy);

function listMarks() {
  const focused = at("marks").contains(document.activeElement);
  at("marks").replaceChildren(...open.marks.map((mark) => {
    const made = make("button", mark.standing);
    made.type = "button";
    made.setAttribute("aria-pressed", String(mark.id === chosen));
    const colour = make("i");
    colour.style.background = colourOf(mark.class);
    made.append(colour, `${[mark.class, percent(mark.confidence)].filter(Boolean).join(" ")}: ${SAID[mark.standing]}`);
    made.addEventListener("click", () => choose(mark.id, true));
    const item = make("li");
    item.append(made);
    return item;
  }));
  if (focused) at("marks").querySelector('[aria-pressed="true"]')?.focus();
}

function choose(id, show = false) {
  if (draft && draft.id !== id) inTurn(keep);
  chosen = id;
  drawBoxes();
  listMarks();
  const mark = open?.marks.find((one) => one.id === id);
  if (mark && show) lookAt(mark.xyxy);
}

export async function step(steps) {
  const wanted = place + steps;
  if (wanted >= 0 && wanted < state.photographs.length) await openAt(wanted);
}

/** The image whose picture stands on the stage now; null while it is on its way, or cannot be read. */
export function shown() {
  const picture = at("photograph");
  return open && picture.complete && picture.naturalWidth > 0 ? open.image : null;
}

/** Say why nothing can be said of what is open, until another one is. */
function cannot() {
  said = blind(open.image);
  alarm(said);
}

/** Whether nobody can have seen what is open; says so. */
function isBlind(seen = shown()) {
  if (seen === open.image) return false;
  const { complete, naturalWidth } = at("photograph");
  if (complete && !naturalWidth) cannot();
  else tell("This photograph is not shown yet: look at it first.");
  return true;
}

/** Say that nothing further is in a photograph: of the one that was seen when it was said, or of none. */
export async function done(seen) {
  if (!open) return;
  if (isBlind(seen)) return;
  await keep();
  const photograph = await say({ verdict: "nothing-here", image: open.image });
  tell("done");
  if (place + 1 < state.photographs.length) await step(1);
  else showPhotograph(photograph);
}

export async function verdict(kind, name) {
  if (!open || chosen === null) {
    tell("Choose a box first.");
    return;
  }
  if (isBlind()) return;
  await keep();
  showPhotograph(await say({ verdict: kind, image: open.image, detection: chosen, class: name }));
  const mark = open.marks.find((one) => one.id === chosen);
  if (mark) tell(`${mark.class}: ${SAID[mark.standing]}`);
}

async function add(xyxy) {
  if (isBlind()) return;
  const before = new Set(open.marks.map((mark) => mark.id));
  const name = at("class").value;
  showPhotograph(await say({ verdict: "added", image: open.image, xyxy, class: name }));
  const made = open.marks.find((mark) => !before.has(mark.id));
  if (made) choose(made.id);
  tell(`${name} added`);
}

export async function addAtMiddle() {
  if (!open) return;
  const { width, height } = at("stage").getBoundingClientRect();
  const half = Math.min(width, height) / 20;
  const [left, top] = toImage(width / 2 - half, height / 2 - half);
  const [right, bottom] = toImage(width / 2 + half, height / 2 + half);
  await add([left, top, right, bottom]);
}

// A box of another place or size. It is drawn at once, and said when the mouse lets go or by Enter.

/** Say where the box that was changed is now. */
export async function keep() {
  if (!draft) return;
  const { image, id, xyxy } = draft;
  draft = null;
  try {
    showPhotograph(await say({ verdict: "moved", image, detection: id, xyxy }));
    tell("the box is changed");
  } finally {
    drawBoxes(); // where it was, if that could not be kept
  }
}

/** Leave a box as it was; whether there was anything to leave. */
export function drop() {
  const had = draft !== null;
  draft = null;
  if (open) drawBoxes();
  return had;
}

function setShaping(wanted) {
  shaping = wanted;
  at("shape").setAttribute("aria-pressed", String(wanted));
}

export const isShaping = () => shaping;

export async function toggleShape() {
  if (!chosenMark()) {
    tell("Choose a box first.");
    return;
  }
  setShaping(!shaping);
  if (shaping) tell("Arrows move the box, Shift and arrows change its size, Enter keeps it, Escape leaves it.");
  else await keep();
}

export function leaveShape() {
  const had = drop();
  setShaping(false);
  if (had) tell("the box is as it was");
}

export function arrow(x, y, resizes) {
  const mark = chosenMark();
  if (!shaping || !mark) {
    pan(-80 * x, -80 * y);
    return;
  }
  const far = Math.max(1, 3 / view.scale); // 3 px of the screen, or one of the photograph
  change(mark, placeOf(mark), resizes ? { x: Math.abs(x), y: Math.abs(y) } : { x: 0, y: 0 }, far * x, far * y);
}

const within = (value, least, most) => Math.min(Math.max(value, least), most);

/** Bring a box, or those of its edges that `grip` names (-1 left or top, 1 right or bottom), elsewhere. */
function change(mark, [left, top, right, bottom], grip, x, y) {
  if (grip.x === 0 && grip.y === 0) {
    const [across, down] = [within(x, -left, open.width - right), within(y, -top, open.height - bottom)];
    draft = { image: open.image, id: mark.id, xyxy: [left + across, top + down, right + across, bottom + down] };
  } else {
    const xyxy = [
      grip.x < 0 ? within(left + x, 0, right - LEAST_SIDE) : left,
      grip.y < 0 ? within(top + y, 0, bottom - LEAST_SIDE) : top,
      grip.x > 0 ? within(right + x, left + LEAST_SIDE, open.width) : right,
      grip.y > 0 ? within(bottom + y, top + LEAST_SIDE, open.height) : bottom,
    ];
    draft = { image: open.image, id: mark.id, xyxy };
  }
  drawBoxes();
}

/** What of the chosen box lies under a point of the stage: its inside (0, 0), an edge or a corner; or null. */
function gripAt(point, reach) {
  const mark = chosenMark();
  if (!mark) return null;
  const [left, top, right, bottom] = placeOf(mark);
  const [x, y] = toImage(...point);
  const side = (value, low, high) => {
    const outside = reach / view.scale;
    const inside = Math.min(outside, (high - low) / 4); // a small box can still be taken at its middle
    if (value < low - outside || value > high + outside) return null;
    if (value <= low + inside) return -1;
    return value >= high - inside ? 1 : 0;
  };
  const found = { x: side(x, left, right), y: side(y, top, bottom) };
  return found.x === null || found.y === null ? null : found;
}

const CURSORS = { "0,0": "move", "1,0": "ew-resize", "0,1": "ns-resize", "1,1": "nwse-resize", "-1,1": "nesw-resize" };

function cursorOf(grip) {
  if (!grip) return "";
  return CURSORS[`${grip.x},${grip.y}`] ?? CURSORS[`${-grip.x || 0},${-grip.y || 0}`];
}

// Zoom and place: the sheet is as large as the image, and a transform brings it onto the stage.

const toImage = (x, y) => [(x - view.x) / view.scale, (y - view.y) / view.scale];

function transform() {
  at("sheet").style.transform = `translate(${view.x}px, ${view.y}px) scale(${view.scale})`;
  drawGrips();
  if (open) showDetails(open, view);
}

export function whole() {
  if (!open) return;
  const { width, height } = at("stage").getBoundingClientRect();
  view.scale = Math.min(width / open.width, height / open.height);
  view.x = (width - open.width * view.scale) / 2;
  view.y = (height - open.height * view.scale) / 2;
  transform();
}

export function zoom(factor, x, y) {
  const { width, height } = at("stage").getBoundingClientRect();
  const [towards, down] = [x ?? width / 2, y ?? height / 2];
  const scale = Math.min(Math.max(view.scale * factor, 0.005), 16);
  view.x = towards - (towards - view.x) * (scale / view.scale);
  view.y = down - (down - view.y) * (scale / view.scale);
  view.scale = scale;
  transform();
}

export function pan(x, y) {
  view.x += x;
  view.y += y;
  transform();
}

function lookAt([left, top, right, bottom]) {
  const { width, height } = at("stage").getBoundingClientRect();
  pan(width / 2 - view.x - ((left + right) / 2) * view.scale, height / 2 - view.y - ((top + bottom) / 2) * view.scale);
}

export function toggleMove() {
  moving = !moving;
  at("move").setAttribute("aria-pressed", String(moving));
  at("stage").classList.toggle("moving", moving);
}

function pointOf(event) {
  const { left, top } = at("stage").getBoundingClientRect();
  return [event.clientX - left - 1, event.clientY - top - 1];
}

function hit([x, y]) {
  const under = open.marks.filter((mark) => {
    const [left, top, right, bottom] = mark.xyxy;
    return x >= left && x <= right && y >= top && y <= bottom;
  });
  const size = ({ xyxy: [left, top, right, bottom] }) => (right - left) * (bottom - top);
  return under.sort((one, other) => size(one) - size(other))[0]?.id ?? null;
}

export function listen() {
  const stage = at("stage");
  stage.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoom(Math.exp(-event.deltaY / 500), ...pointOf(event));
  }, { passive: false });
  stage.addEventListener("pointerdown", (event) => {
    if (!open || event.button > 1) return;
    event.preventDefault();
    focus();
    stage.setPointerCapture(event.pointerId);
    const pans = moving || event.shiftKey || event.button === 1;
    const from = pointOf(event);
    const grip = pans ? null : gripAt(from, event.pointerType === "touch" ? 20 : 8);
    const mark = grip && chosenMark();
    drag = { pans, grip, mark, box: mark && placeOf(mark), from, last: from, shape: null };
  });
  stage.addEventListener("pointermove", (event) => {
    const now = pointOf(event);
    if (!drag) {
      stage.style.cursor = moving ? "" : cursorOf(gripAt(now, 8));
      return;
    }
    if (drag.grip) {
      const far = now.map((value, axis) => (value - drag.from[axis]) / view.scale);
      change(drag.mark, drag.box, drag.grip, ...far);
    } else if (drag.pans) pan(now[0] - drag.last[0], now[1] - drag.last[1]);
    else sketch(now);
    drag.last = now;
  });
  stage.addEventListener("pointerup", (event) => end(pointOf(event)));
  stage.addEventListener("pointercancel", () => {
    drag?.shape?.remove();
    if (drag?.grip) drop();
    drag = null;
  });
  at("photograph").addEventListener("error", cannot);
  at("photograph").addEventListener("load", () => { if (at("told").textContent === READING) tell(""); });
  window.addEventListener("resize", whole);
}

function sketch(now) {
  drag.shape?.remove();
  drag.shape = rectangle(corners(drag.from, now), "drawn");
  at("boxes").append(drag.shape);
}

function corners(one, other) {
  const [ax, ay] = toImage(...one);
  const [bx, by] = toImage(...other);
  return [Math.min(ax, bx), Math.min(ay, by), Math.max(ax, bx), Math.max(ay, by)];
}

function end(now) {
  if (!drag) return;
  const { from, pans, grip, shape: sketched } = drag;
  drag = null;
  sketched?.remove();
  const slipped = Math.abs(now[0] - from[0]) < SLIP && Math.abs(now[1] - from[1]) < SLIP;
  if (slipped) {
    if (grip) drop();
    choose(hit(toImage(...now)) ?? (grip ? chosen : null));
  } else if (grip) inTurn(keep);
  else if (!pans) inTurn(() => add(corners(from, now)));
}
