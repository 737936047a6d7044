// Whole photographs: boxes on them, animals that were missed, and "nothing further here".

import { SAID, alarm, ask, at, colourOf, inTurn, make, percent, say, state, tell } from "./common.js";

const SVG = "http://www.w3.org/2000/svg";
const SLIP = 5; // px of the screen: less is a click, not a drag
const view = { x: 0, y: 0, scale: 1 };
let place = -1;
let open = null;
let chosen = null;
let moving = false;
let drag = null;

export const hasChosen = () => chosen !== null;

export function begin() {
  const first = state.photographs.findIndex((one) => !one.complete);
  return openAt(Math.max(first, 0));
}

async function openAt(wanted) {
  const one = state.photographs[wanted];
  if (!one) {
    at("photograph-name").textContent = "There are no photographs to review.";
    return;
  }
  const photograph = await ask(`api/photograph/${one.image}`);
  place = wanted;
  chosen = null;
  const picture = at("photograph");
  picture.src = `photograph/${one.image}.jpg`;
  picture.alt = photograph.name;
  at("sheet").style.width = `${photograph.width}px`;
  at("sheet").style.height = `${photograph.height}px`;
  at("boxes").setAttribute("viewBox", `0 0 ${photograph.width} ${photograph.height}`);
  showPhotograph(photograph);
  whole();
  at("stage").focus({ preventScroll: true });
  // the next one is made while this one is looked at
  const next = state.photographs[wanted + 1];
  if (next) picture.onload = () => { new Image().src = `photograph/${next.image}.jpg`; };
}

export function showPhotograph(photograph) {
  if (open && state.photographs[place]?.image !== photograph.image) return;
  open = photograph;
  if (!open.marks.some((mark) => mark.id === chosen)) chosen = null;
  at("photograph-name").textContent = `${place + 1} of ${state.photographs.length}: ${open.name}`;
  at("photograph-state").textContent = open.complete ? "done" : "not done yet";
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
    const made = rectangle(mark.xyxy, `${mark.standing} ${mark.id === chosen ? "chosen" : ""}`);
    made.style.stroke = colourOf(mark.class);
    return made;
  });
  if (open.outline?.length) {
    shapes.push(shape("polygon", { points: open.outline.map((corner) => corner.join(",")).join(" ") }, ""));
  }
  at("boxes").replaceChildren(...shapes);
}

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

export async function done() {
  if (!open) return;
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
  showPhotograph(await say({ verdict: kind, image: open.image, detection: chosen, class: name }));
  const mark = open.marks.find((one) => one.id === chosen);
  if (mark) tell(`${mark.class}: ${SAID[mark.standing]}`);
}

async function add(xyxy) {
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

// Zoom and place: the sheet is as large as the image, and a transform brings it onto the stage.

const toImage = (x, y) => [(x - view.x) / view.scale, (y - view.y) / view.scale];

function transform() {
  at("sheet").style.transform = `translate(${view.x}px, ${view.y}px) scale(${view.scale})`;
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
    stage.focus({ preventScroll: true });
    stage.setPointerCapture(event.pointerId);
    const pans = moving || event.shiftKey || event.button === 1;
    drag = { pans, from: pointOf(event), last: pointOf(event), shape: null };
  });
  stage.addEventListener("pointermove", (event) => {
    if (!drag) return;
    const now = pointOf(event);
    if (drag.pans) pan(now[0] - drag.last[0], now[1] - drag.last[1]);
    else sketch(now);
    drag.last = now;
  });
  stage.addEventListener("pointerup", (event) => end(pointOf(event)));
  stage.addEventListener("pointercancel", () => {
    drag?.shape?.remove();
    drag = null;
  });
  at("photograph").addEventListener("error", () => alarm("This photograph cannot be read: its file is gone or damaged."));
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
  const { from, pans, shape: sketched } = drag;
  drag = null;
  sketched?.remove();
  const slipped = Math.abs(now[0] - from[0]) < SLIP && Math.abs(now[1] - from[1]) < SLIP;
  if (slipped) choose(hit(toImage(...now)));
  else if (!pans) inTurn(() => add(corners(from, now)));
}
