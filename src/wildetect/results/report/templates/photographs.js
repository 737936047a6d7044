"use strict";
/* Finds a photograph by its name, shows it with its boxes and goes on to the next. Only what is looked at is drawn. */
const photographs = (() => {
  const find = (id) => document.getElementById(id);
  const data = JSON.parse(find("photographs-data").textContent);
  const number = (value) => value.toLocaleString("en-US");
  const GOOD = 0, DOUBTFUL = 1, STEP = 6, PER_PAGE = 25, MOST_LISTED = 200;
  const rows = data.rows.map(([name, state, count, width, height, overlay, told, boxes], place) => ({
    name, state, count, width, height, overlay, told, boxes, place,
    folded: name.toLowerCase(), shown: count, atLeast: false,
  }));
  const places = new Map(rows.map((row) => [row.name, row.place]));
  const section = find("photographs"), viewer = find("photograph");
  const slider = find("threshold"), lowest = slider ? Number(slider.min) : 0;
  let wanted = "", least = lowest, listed = rows, within = null, first = 0, current = null;

  const make = (tag, attributes = {}, ...children) => {
    const one = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) one.setAttribute(name, value);
    one.append(...children);
    return one;
  };
  const draw = (tag, attributes) => {
    const one = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) one.setAttribute(name, value);
    return one;
  };
  // a narrow page may break a name at its joints before it breaks it anywhere
  const breakable = (name) =>
    (name.match(/[^/\\_-]*[/\\_-]+|[^/\\_-]+/g) || [name]).flatMap((part) => [part, make("wbr")]);
  const address = (name) => (places.has(name) ? "#photograph-" + (places.get(name) + 1) : "#photographs");
  const passes = (kind, confidence) => (wanted === "" || String(kind) === wanted) && confidence + 1e-9 >= least;
  const words = (row) => {
    if (row.state > DOUBTFUL) return "failed";
    const text = number(row.shown) + (row.atLeast ? " or more" : "");
    return text + (row.shown === 1 && !row.atLeast ? " detection" : " detections");
  };

  const recount = () => {
    const everything = wanted === "" && least <= lowest;
    for (const row of rows) {
      const { boxes, count } = row;
      let shown = 0;
      for (let at = 0; at < boxes.length; at += STEP) shown += passes(boxes[at + 5], boxes[at + 4]);
      row.shown = everything ? count : shown;
      // of very many boxes the page holds the surest: those that it has not may pass, too
      const missing = count > boxes.length / STEP;
      row.atLeast = !everything && missing && boxes[boxes.length - 2] + 1e-9 >= least;
    }
  };

  const kinds = {
    all: () => true,
    found: (row) => row.shown > 0,
    none: (row) => row.state <= DOUBTFUL && row.shown === 0,
    doubt: (row) => row.state === DOUBTFUL,
    failed: (row) => row.state > DOUBTFUL,
  };
  const select = () => {
    const text = find("find").value.trim().toLowerCase();
    const kind = kinds[find("kind").value];
    listed = rows.filter((row) => (!within || within.has(row.place)) && kind(row) && row.folded.includes(text));
    if (find("sort").value === "most") listed.sort((a, b) => b.shown - a.shown || a.place - b.place);
    if (first >= listed.length) first = 0;
    list();
  };
  const list = () => {
    const body = section.querySelector("tbody");
    body.replaceChildren(...listed.slice(first, first + PER_PAGE).map((row) => {
      const name = make("button", { type: "button" }, ...breakable(row.name));
      name.addEventListener("click", () => open(row));
      const cell = make("td", { class: "name" }, name);
      if (row.state > DOUBTFUL) cell.append(" ", make("span", { class: "mark failed" }, "failed"));
      else if (row.state > GOOD) cell.append(" ", make("span", { class: "mark doubt" }, "in doubt"));
      const count = row.state > DOUBTFUL ? "–" : number(row.shown) + (row.atLeast ? "+" : "");
      return make("tr", {}, cell, make("td", { class: "number count" }, count));
    }));
    find("matching").textContent = number(listed.length);
    find("pages").hidden = listed.length <= PER_PAGE;
    find("page").textContent =
      number(first + 1) + " to " + number(Math.min(first + PER_PAGE, listed.length));
    find("earlier").disabled = first === 0;
    find("later").disabled = first + PER_PAGE >= listed.length;
  };
  const turn = (step) => {
    first = Math.max(0, first + step * PER_PAGE);
    list();
  };

  const picture = (row) => {
    if (!row.width || !row.height) return [];
    const label = "Boxes in " + row.name;
    const drawing = draw("svg", { viewBox: `0 0 ${row.width} ${row.height}`, role: "img", "aria-label": label });
    if (row.overlay) {
      // a file's name may hold what means something in an address
      const href = row.overlay.split("/").map(encodeURIComponent).join("/");
      const image = draw("image", { href, width: row.width, height: row.height });
      image.addEventListener("error", () => {
        image.remove();
        find("photograph-drawn").textContent = "Its picture is not beside this page: only the boxes are drawn.";
      });
      drawing.append(image);
    }
    return [drawing];
  };
  const boxes = (row, drawing) => {
    const items = [];
    let drawn = 0;
    for (let at = 0; at < row.boxes.length; at += STEP) {
      if (!passes(row.boxes[at + 5], row.boxes[at + 4])) continue;
      const [x, y, width, height, confidence, kind] = row.boxes.slice(at, at + STEP);
      const [name, colour] = data.classes[kind];
      const box = draw("rect", { class: "over", x, y, width, height, stroke: colour });
      const title = draw("title", {});
      title.textContent = `${name} ${confidence.toFixed(2)}`;
      box.append(title);
      if (drawing) drawing.append(draw("rect", { class: "under", x, y, width, height }), box);
      drawn += 1;
      if (items.length >= MOST_LISTED) continue;
      const place = `${Math.round(width)} × ${Math.round(height)} px at ${Math.round(x)}, ${Math.round(y)}`;
      const item = make("button", { type: "button", "aria-pressed": "false" },
        make("b", {}, confidence.toFixed(2)), ` ${name} `, make("span", { class: "note" }, place));
      item.addEventListener("click", () => {
        const pressed = item.getAttribute("aria-pressed") !== "true";
        item.setAttribute("aria-pressed", String(pressed));
        box.classList.toggle("chosen", pressed);
      });
      items.push(make("li", {}, item));
    }
    return [items, drawn];
  };
  const open = (row) => {
    const [drawing] = picture(row);
    const [items, drawn] = boxes(row, drawing);
    current = row;
    find("photograph-name").textContent = row.name;
    find("photograph-count").textContent = words(row);
    find("photograph-told").replaceChildren(...row.told.map((told) => make("li", {}, data.reasons[told])));
    find("frame").replaceChildren(...(drawing ? [drawing] : []));
    find("photograph-boxes").replaceChildren(...items);
    const notes = [];
    if (drawn && !row.overlay) {
      notes.push("The boxes at their places. To see the animals, too: uv run invoke detect.export --run FOLDER --export overlays --overlays all");
    }
    if (row.shown > drawn || row.atLeast) notes.push(`Of its ${number(row.count)} boxes the ${number(drawn)} surest.`);
    if (drawn > items.length) notes.push(`${number(items.length)} are listed; detections.csv has all.`);
    if (row.shown < row.count) notes.push("Class and confidence above the page leave some out.");
    find("photograph-drawn").textContent = notes.join(" ");
    const link = find("photograph-link");
    link.hidden = !row.overlay;
    if (row.overlay) link.href = row.overlay.split("/").map(encodeURIComponent).join("/");
    const place = listed.indexOf(row);
    find("photograph-place").textContent = place < 0
      ? `photograph ${number(row.place + 1)} of ${number(rows.length)}`
      : `${number(place + 1)} of ${number(listed.length)} in the list`;
    find("photograph-previous").disabled = !beside(-1);
    find("photograph-next").disabled = !beside(1);
    history.replaceState(null, "", address(row.name));
    if (!viewer.open) viewer.showModal();
    viewer.scrollTop = 0;
  };
  const beside = (step) => {
    const place = listed.indexOf(current);
    return place < 0 ? rows[current.place + step] : listed[place + step];
  };
  const step = (direction) => {
    const next = beside(direction);
    if (next) open(next);
  };
  const follow = () => {
    const asked = /^#photograph-(\d+)$/.exec(location.hash);
    const row = asked && rows[Number(asked[1]) - 1];
    if (!row) return;
    for (const one of document.querySelectorAll("dialog[open]")) if (one !== viewer) one.close();
    open(row);
  };
  /* Lists photographs by their places among all, or all again. */
  const only = (some) => {
    within = some;
    find("everywhere").hidden = !some;
    first = 0;
    select();
    if (some) section.scrollIntoView();
  };
  const filter = (name, confidence) => {
    wanted = name;
    least = confidence;
    if (!section) return;
    recount();
    select();
    document.dispatchEvent(new Event("recounted"));
  };

  if (section && rows.length) {
    section.hidden = false;
    filter(wanted, least);
    for (const [id, event] of [["find", "input"], ["kind", "change"], ["sort", "change"]]) {
      find(id).addEventListener(event, () => {
        first = 0;
        select();
      });
    }
    find("finder").addEventListener("submit", (event) => {
      event.preventDefault();
      if (listed.length === 1) open(listed[0]);
    });
    find("everywhere").addEventListener("click", () => {
      only(null);
      find("find").focus();
    });
    find("earlier").addEventListener("click", () => turn(-1));
    find("later").addEventListener("click", () => turn(1));
    find("photograph-previous").addEventListener("click", () => step(-1));
    find("photograph-next").addEventListener("click", () => step(1));
    viewer.addEventListener("keydown", (event) => {
      if (event.key === "ArrowLeft") step(-1);
      if (event.key === "ArrowRight") step(1);
    });
    viewer.addEventListener("click", (event) => {
      if (event.target === viewer) viewer.close();
    });
    viewer.addEventListener("close", () => history.replaceState(null, "", "#photographs"));
    window.addEventListener("hashchange", follow);
    setTimeout(follow); // after the rest of the page's script
  }
  return { address, filter, open, only, passes, rows, classes: data.classes, map: data.map };
})();
