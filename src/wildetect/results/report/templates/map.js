/* The map of a large survey: sums over the cells of a grid, which come apart as one comes nearer. */
(() => {
  const find = (id) => document.getElementById(id);
  const map = find("map"), data = photographs.map;
  if (!map || !data) return;
  const { rows, classes } = photographs;
  const WIDTH = 1000, CELL = 64, STEP = 2, LEAST_METRES = 20, BAR = 220, KILOMETRE = 1000, BOX = 6, BINS = 20;
  const most = Math.max(1, WIDTH / (data.perMetre * LEAST_METRES));
  const number = (value) => value.toLocaleString("en-US");
  const counted = (value, word) => number(value) + " " + word + (value === 1 ? "" : "s");
  let zoom = 1, left = 0, top = 0, waiting = 0;

  const draw = (tag, attributes, ...children) => {
    const one = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) one.setAttribute(name, value);
    one.append(...children);
    return one;
  };
  const layer = draw("svg", { width: WIDTH, height: data.height, overflow: "hidden" });
  find("plain").replaceWith(layer);

  // left and top are the corner of the view in units of the whole drawing
  const inView = ([x, y]) =>
    x >= left && y >= top && x <= left + WIDTH / zoom && y <= top + data.height / zoom;
  const add = (cell, point) => {
    const [x, y, place, kind, bin] = point, row = rows[place];
    cell.points.push(point);
    cell.places.add(place);
    cell.x += x;
    cell.y += y;
    const count = (one) => cell.kinds.set(one, (cell.kinds.get(one) || 0) + 1);
    if (kind !== undefined) {
      const passes = photographs.passes(kind, (bin + 0.5) / BINS);
      cell.shown += passes;
      if (passes) count(kind);
      return;
    }
    cell.shown += row.shown;
    for (let at = 0; at < row.boxes.length; at += BOX) {
      if (photographs.passes(row.boxes[at + 5], row.boxes[at + 4])) count(row.boxes[at + 5]);
    }
  };
  const cells = (unit) => {
    const side = CELL * unit / zoom, made = new Map();
    for (const point of data.points) {
      if (!inView(point)) continue;
      const key = Math.floor(point[0] / side) + " " + Math.floor(point[1] / side);
      if (!made.has(key)) made.set(key, { x: 0, y: 0, shown: 0, points: [], places: new Set(), kinds: new Map() });
      add(made.get(key), point);
    }
    return [...made.values()];
  };
  const told = (cell) =>
    counted(cell.shown, "detection") + " in " + counted(cell.places.size, "photograph");
  const ring = (cell, unit, highest) => {
    const x = (cell.x / cell.points.length - left) * zoom, y = (cell.y / cell.points.length - top) * zoom;
    const title = draw("title", {});
    title.textContent = told(cell);
    if (!cell.shown) return draw("circle", { class: "empty", cx: x, cy: y, r: 3 * unit }, title);
    const radius = unit * (13 + 15 * Math.sqrt(cell.shown / highest)), width = 5 * unit;
    const text = draw("text", {});
    text.style.fontSize = 11.5 * unit + "px";
    text.textContent = cell.shown < 10000 ? number(cell.shown) : Math.round(cell.shown / 1000) + "k";
    const group = draw("g", { class: "ring", transform: `translate(${x.toFixed(1)} ${y.toFixed(1)})` }, title,
      draw("circle", { class: "ground", r: radius }));
    const sum = [...cell.kinds.values()].reduce((a, b) => a + b, 0);
    let before = 0;
    for (const [kind, count] of [...cell.kinds].sort((a, b) => a[0] - b[0])) {
      const share = count / sum;
      group.append(draw("circle", {
        class: "share", r: radius - width / 2, pathLength: 1, stroke: classes[kind][1], "stroke-width": width,
        "stroke-dasharray": `${share} ${1 - share}`, "stroke-dashoffset": -before,
      }));
      before += share;
    }
    group.append(text);
    group.addEventListener("click", () => approach(cell));
    return group;
  };
  const bar = () => {
    const longest = BAR / (data.perMetre * zoom), power = 10 ** Math.floor(Math.log10(longest));
    const metres = power * [5, 2, 1].find((factor) => factor * power <= longest * (1 + 1e-9));
    const length = (metres * data.perMetre * zoom).toFixed(1);
    find("bar").setAttribute("d", `M0 -8v16m0 -8h${length}m0 -8v16`);
    find("bar-text").setAttribute("x", Number(length) + 14);
    find("bar-text").textContent = metres >= KILOMETRE ? metres / KILOMETRE + " km" : metres + " m";
  };
  const paint = () => {
    waiting = 0;
    const unit = WIDTH / (map.clientWidth || WIDTH), made = cells(unit);
    const highest = Math.max(1, ...made.map((cell) => cell.shown));
    // the fullest last, so that none hides behind one that says less
    made.sort((a, b) => a.shown - b.shown);
    layer.replaceChildren(...made.map((cell) => ring(cell, unit, highest)));
    const seen = new Set(made.flatMap((cell) => [...cell.places]));
    const shown = made.reduce((sum, cell) => sum + cell.shown, 0);
    find("map-told").textContent = told({ shown, places: seen }) + " in view";
    find("nearer").disabled = zoom >= most;
    find("farther").disabled = find("whole").disabled = zoom <= 1;
    map.classList.toggle("near", zoom > 1);
    bar();
  };
  const repaint = () => {
    if (!waiting) waiting = requestAnimationFrame(paint);
  };
  const look = (x, y) => {
    left = Math.min(Math.max(x, 0), WIDTH - WIDTH / zoom);
    top = Math.min(Math.max(y, 0), data.height - data.height / zoom);
    repaint();
  };
  /* Comes nearer by a factor; the place x, y of the drawing stays where it is in the view. */
  const scale = (factor, x = left + WIDTH / zoom / 2, y = top + data.height / zoom / 2) => {
    const before = zoom;
    zoom = Math.min(Math.max(zoom * factor, 1), most);
    look(x - (x - left) * before / zoom, y - (y - top) * before / zoom);
  };
  const approach = (cell) => {
    const apart = cell.points.some(([x, y]) => x !== cell.points[0][0] || y !== cell.points[0][1]);
    if (cell.places.size === 1) photographs.open(rows[cell.points[0][2]]);
    else if (!apart || zoom >= most) photographs.only(cell.places);
    else scale(2 * STEP, cell.x / cell.points.length, cell.y / cell.points.length);
  };
  const place = (event) => {
    const frame = map.getBoundingClientRect(), unit = WIDTH / frame.width;
    return [left + (event.clientX - frame.left) * unit / zoom, top + (event.clientY - frame.top) * unit / zoom];
  };

  let held = null;
  map.addEventListener("pointerdown", (event) => {
    held = { at: place(event), x: event.clientX, y: event.clientY, moved: false };
  });
  map.addEventListener("pointermove", (event) => {
    if (!held || zoom === 1) return;
    if (!held.moved && Math.hypot(event.clientX - held.x, event.clientY - held.y) < 5) return;
    held.moved = true;
    map.setPointerCapture(event.pointerId); // only now: a click on a ring is none of the map's
    const [x, y] = place(event);
    look(left + held.at[0] - x, top + held.at[1] - y);
  });
  for (const end of ["pointerup", "pointercancel"]) map.addEventListener(end, () => (held = null));
  map.addEventListener("dblclick", (event) => scale(STEP, ...place(event)));
  map.addEventListener("wheel", (event) => {
    if (!event.ctrlKey) return; // the wheel alone scrolls the page; pinching is this one, too
    event.preventDefault();
    scale(event.deltaY < 0 ? STEP : 1 / STEP, ...place(event));
  }, { passive: false });
  map.addEventListener("keydown", (event) => {
    const quarter = WIDTH / zoom / 4;
    const does = {
      "+": () => scale(STEP), "=": () => scale(STEP), "-": () => scale(1 / STEP), 0: () => scale(0),
      ArrowLeft: () => look(left - quarter, top), ArrowRight: () => look(left + quarter, top),
      ArrowUp: () => look(left, top - quarter), ArrowDown: () => look(left, top + quarter),
    }[event.key];
    if (!does || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    does();
  });
  find("nearer").addEventListener("click", () => scale(STEP));
  find("farther").addEventListener("click", () => scale(1 / STEP));
  find("whole").addEventListener("click", () => scale(0));
  find("in-view").addEventListener("click", () =>
    photographs.only(new Set(data.points.filter(inView).map((point) => point[2]))));
  document.addEventListener("recounted", repaint);
  window.addEventListener("resize", repaint);
  map.setAttribute("tabindex", "0");
  map.setAttribute("role", "group");
  find("map-tools").hidden = false;
  paint();
})();
