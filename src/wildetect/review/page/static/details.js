// Zoomed in beyond the picture of the whole photograph: its parts as sharp as the file has them.

import { at, pictureAt } from "./common.js";

const WAIT = 120; // ms without a move before parts are asked for
const MOST = 80; // parts that are kept
let shown = new Map(); // by "level/column/row"
let timer = null;

export function clearDetails() {
  clearTimeout(timer);
  shown = new Map();
  at("details").replaceChildren();
}

/** Ask for what the stage shows now, once the view has come to rest. */
export function showDetails(photograph, view) {
  clearTimeout(timer);
  timer = setTimeout(() => ask(photograph, view), WAIT);
}

function ask(photograph, view) {
  const { width, height, longest, detail } = photograph;
  const px = 1 / (view.scale * (window.devicePixelRatio || 1)); // of the photograph in one of the screen
  const level = Math.max(0, Math.floor(Math.log2(px)));
  // the picture of the whole photograph has this much of it already
  if (2 ** level >= Math.max(width, height) / longest) return;
  const side = detail * 2 ** level;
  const stage = at("stage").getBoundingClientRect();
  const span = (offset, length, most) => [
    Math.max(0, Math.floor(-offset / view.scale / side)),
    Math.min(Math.ceil(most / side), Math.ceil((length - offset) / view.scale / side)) - 1,
  ];
  const [left, right] = span(view.x, stage.width, width);
  const [top, bottom] = span(view.y, stage.height, height);
  for (let row = top; row <= bottom; row += 1) {
    for (let column = left; column <= right; column += 1) {
      const key = `${level}/${column}/${row}`;
      const part = shown.get(key) ?? made(photograph, key, column * side, row * side, side);
      shown.delete(key); // the newest come last
      shown.set(key, part);
    }
  }
  for (const [key, part] of shown) {
    if (shown.size <= MOST) break;
    part.remove();
    shown.delete(key);
  }
}

function made({ image, width, height }, key, x, y, side) {
  const part = new Image();
  part.alt = "";
  part.draggable = false;
  part.src = pictureAt(`detail/${image}/${key}.jpg`);
  part.style.left = `${x}px`;
  part.style.top = `${y}px`;
  part.style.width = `${Math.min(side, width - x)}px`;
  part.style.height = `${Math.min(side, height - y)}px`;
  part.onerror = () => part.remove(); // the whole photograph stays beneath
  at("details").append(part);
  return part;
}
