(() => {
  const find = (id) => document.getElementById(id);
  const all = (query) => Array.from(document.querySelectorAll(query));
  const number = (value) => value.toLocaleString("en-US");
  const chosenClass = find("class"), threshold = find("threshold");
  const rows = all("#classes tbody tr").map((row) => ({
    row,
    name: row.dataset.class,
    bins: row.dataset.bins.split(" ").map(Number),
    imageBins: row.dataset.images.split(" ").map(Number),
    count: row.querySelector(".count"),
    images: row.querySelector(".images"),
    bar: row.querySelector(".bar rect"),
  }));
  const from = (bins, bin) => bins.slice(bin).reduce((a, b) => a + b, 0);
  const highest = Math.max(1, ...rows.map((one) => from(one.bins, 0)));
  const marks = all("[data-bin]");
  const gallery = find("crops");
  const crops = gallery ? Array.from(gallery.children) : [];

  const apply = () => {
    const wanted = chosenClass.value, least = Number(threshold.value);
    const bin = Math.round(least * rows[0].bins.length);
    const passes = (name) => wanted === "" || name === wanted;
    let shown = 0;
    for (const one of rows) {
      const count = from(one.bins, bin);
      one.count.textContent = number(count);
      one.images.textContent = number(from(one.imageBins, bin));
      one.bar.setAttribute("width", (100 * count) / highest + "%");
      one.row.classList.toggle("off", !passes(one.name));
      if (passes(one.name)) shown += count;
    }
    for (const mark of marks) {
      mark.classList.toggle("off", !passes(mark.dataset.class) || Number(mark.dataset.bin) < bin);
    }
    let visible = 0;
    for (const crop of crops) {
      crop.hidden = !passes(crop.dataset.class) || Number(crop.dataset.confidence) + 1e-9 < least;
      if (!crop.hidden) visible += 1;
    }
    // the slider moves in bins; its first one begins at the run's own threshold
    const text = least === Number(threshold.min) ? threshold.dataset.begins : least.toFixed(2);
    find("least").textContent = text;
    threshold.setAttribute("aria-valuetext", text);
    find("shown").textContent = number(shown);
    if (gallery) find("visible").textContent = number(visible);
    photographs.filter(wanted, least);
    find("reset").disabled = wanted === "" && least === Number(threshold.min);
  };

  const order = () => {
    const sign = find("order").value === "lowest" ? 1 : -1;
    const confidence = (crop) => Number(crop.dataset.confidence);
    gallery.append(...crops.sort((a, b) => sign * (confidence(a) - confidence(b))));
  };

  const show = (crop) => {
    const close = find("close-up"), picture = crop.querySelector(".picture").cloneNode(true);
    close.querySelector(".picture").replaceWith(picture);
    find("close-up-class").textContent = crop.dataset.name;
    find("close-up-confidence").textContent = Number(crop.dataset.confidence).toFixed(3);
    find("close-up-image").textContent = crop.dataset.image;
    find("close-up-photograph").href = photographs.address(crop.dataset.image);
    const link = find("close-up-link");
    link.hidden = !crop.dataset.overlay;
    link.href = crop.dataset.overlay || "#";
    if (!close.open) close.showModal();
    close.current = crop;
  };

  const step = (direction) => {
    const visible = crops.filter((crop) => !crop.hidden);
    const place = visible.indexOf(find("close-up").current) + direction;
    if (visible[place]) show(visible[place]);
  };

  if (rows.length) {
    find("filters").hidden = false;
    chosenClass.addEventListener("change", apply);
    threshold.addEventListener("input", apply);
    find("reset").addEventListener("click", () => {
      chosenClass.value = "";
      threshold.value = threshold.min;
      apply();
    });
    apply();
  }
  if (gallery) {
    find("order").addEventListener("change", order);
    find("boxes").addEventListener("change", (event) => {
      gallery.classList.toggle("without-boxes", !event.target.checked);
    });
    gallery.addEventListener("click", (event) => {
      const crop = event.target.closest(".crop");
      if (crop) show(crop);
    });
    find("close-up").addEventListener("keydown", (event) => {
      if (event.key === "ArrowRight") step(1);
      if (event.key === "ArrowLeft") step(-1);
    });
    find("close-up").addEventListener("click", (event) => {
      if (event.target === find("close-up")) find("close-up").close();
    });
    find("next").addEventListener("click", () => step(1));
    find("previous").addEventListener("click", () => step(-1));
  }
})();
