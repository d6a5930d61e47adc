// Draws the figures of a page, in the reader's colours, from data that lie in the page itself.
"use strict";
(async () => {
  const read = (id) => JSON.parse(document.getElementById(id).textContent);
  const page = read("page-data");
  const root = document.documentElement;
  const button = document.getElementById("theme");
  let plotly = null;

  const kept = () => { try { return localStorage.getItem("theme"); } catch { return null; } };
  const keep = (name) => { try { localStorage.setItem("theme", name); } catch { /* a private page */ } };
  const asked = new URLSearchParams(location.search).get("theme");
  const system = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  root.dataset.theme = asked || kept() || system;

  const colour = (name) => getComputedStyle(root).getPropertyValue(`--${name}`).trim();
  const series = () => root.dataset.theme === "dark"
    ? ["#6fa5f7", "#f0a35e", "#3fbf8b", "#d38be8", "#e7d16a", "#6fd3e0", "#f07a70", "#a9b3c1"]
    : ["#2563c9", "#c86a12", "#0f7f55", "#8f3fb0", "#8a7400", "#0b7f90", "#c2362f", "#5d6672"];

  // A trace says what it is (meta); only here does that become a colour.
  function painted(trace) {
    const band = (a) => `rgba(${colour("band")}, ${a})`;
    const role = String(trace.meta || "");
    const copy = { ...trace };
    const line = (c, width) => ({ ...(trace.line || {}), color: c, width });
    if (role === "edge") copy.line = line("rgba(0,0,0,0)", 0);
    else if (role === "range") { copy.line = line("rgba(0,0,0,0)", 0); copy.fillcolor = band(0.16); }
    else if (role === "close") copy.line = line(colour("soft"), 1.1);
    else if (role === "equity") copy.line = line(colour("line"), 1.6);
    else if (role === "drawdown") {
      copy.line = line(colour("loss"), 1);
      copy.fillcolor = colour("loss") + "2e";
    } else if (role.startsWith("run-")) {
      copy.line = line(series()[Number(role.slice(4)) % 8], 1.6);
    } else if (role === "buy" || role === "sell" || role === "won" || role === "lost") {
      const c = { buy: "line", sell: "line", won: "gain", lost: "loss" }[role];
      const open = role === "won" || role === "lost";
      copy.marker = { ...trace.marker, color: open ? colour("card") : colour(c),
        line: { color: colour(c), width: 1.6 } };
    }
    return copy;
  }

  function dressed(layout) {
    const copy = structuredClone(layout);
    Object.assign(copy, {
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: getComputedStyle(document.body).fontFamily, size: 12, color: colour("soft") },
      hoverlabel: { bgcolor: colour("card"), bordercolor: colour("rule"),
        font: { color: colour("ink"), size: 12 } },
    });
    for (const [name, axis] of Object.entries(copy)) {
      if (!/^[xy]axis\d*$/.test(name)) continue;
      Object.assign(axis, { gridcolor: colour("rule"), linecolor: colour("rule"),
        zerolinecolor: colour("rule"), spikecolor: colour("soft") });
    }
    for (const shape of copy.shapes || []) shape.fillcolor = `rgba(${colour("band")}, 0.06)`;
    return copy;
  }

  const config = { responsive: true, displaylogo: false, scrollZoom: false,
    modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d", "toImage"],
    displayModeBar: false };

  // Axis ranges are texts in UTC without saying so.
  const moment = (v) => typeof v === "number" ? v
    : Date.parse(String(v).length > 10 ? `${String(v).replace(" ", "T")}Z` : v);

  // When time is zoomed, every panel takes the height of what it shows.
  function fit(place) {
    const x = place.layout.xaxis;
    const update = {};
    for (const name of Object.keys(place.layout).filter((key) => /^yaxis\d*$/.test(key))) {
      if (x.autorange) { update[`${name}.autorange`] = true; continue; }
      const [from, to] = x.range.map(moment);
      let low = Infinity, high = -Infinity;
      for (const trace of place.data) {
        if ((trace.yaxis || "y") !== name.replace("axis", "")) continue;
        trace.x.forEach((t, at) => {
          if (t < from || t > to || trace.y[at] === null) return;
          low = Math.min(low, trace.y[at]);
          high = Math.max(high, trace.y[at]);
        });
      }
      if (low > high) continue;
      if (place.layout[name].rangemode === "tozero") high = 0;
      const room = (high - low || Math.abs(high) || 1) * 0.06;
      update[`${name}.range`] = [low - room, high + room];
    }
    return plotly.relayout(place, update);
  }

  function watch(place) {
    if (place.dataset.watched) return;
    place.dataset.watched = "yes";
    place.on("plotly_relayout", (change) => {
      if (Object.keys(change).some((key) => key.startsWith("xaxis"))) fit(place);
    });
  }

  async function draw() {
    for (const mark of document.querySelectorAll("[data-run]")) {
      mark.style.background = series()[Number(mark.dataset.run) % 8];
    }
    for (const [id, figure] of Object.entries(page.figures)) {
      const place = document.getElementById(id);
      const old = place.layout && place.layout.xaxis && !place.layout.xaxis.autorange
        ? place.layout.xaxis.range : null;
      const layout = dressed(figure.layout);
      if (old) { layout.xaxis.range = old; layout.xaxis.autorange = false; }
      const chosen = document.querySelector(`select[data-figure="${id}"]`);
      const shown = figure.data.filter((t) => !chosen || !t.legendgroup || t.legendgroup === chosen.value);
      await plotly.react(place, shown.map(painted), layout, config);
      watch(place);
      if (old) await fit(place);
    }
  }

  async function library() {
    const packed = document.getElementById("plotly").textContent;
    const bytes = Uint8Array.from(atob(packed), (c) => c.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    const script = document.createElement("script");
    script.textContent = await new Response(stream).text();
    document.head.append(script);
    return window.Plotly;
  }

  function sortable(table) {
    const body = table.tBodies[0];
    [...table.tHead.rows[0].cells].forEach((cell, at) => cell.addEventListener("click", () => {
      const up = cell.dataset.order === "down";
      for (const other of table.tHead.rows[0].cells) delete other.dataset.order;
      cell.dataset.order = up ? "up" : "down";
      const key = (row) => row.cells[at].dataset.value ?? row.cells[at].textContent;
      const sign = up ? 1 : -1;
      const rows = [...body.rows].sort((a, b) => {
        const [x, y] = [key(a), key(b)];
        const numbers = Number(x) - Number(y);
        return sign * (Number.isNaN(numbers) ? x.localeCompare(y) : numbers);
      });
      body.append(...rows);
    }));
  }

  function zoomToTrade(row) {
    const { figure, symbol, start, end } = row.dataset;
    if (!figure) return;
    const chosen = document.querySelector(`select[data-figure="${figure}"]`);
    const room = Math.max((Number(end) - Number(start)) * 3, 6 * 3600e3);
    const range = [Number(start) - room, Number(end) + room];
    const place = document.getElementById(figure);
    if (chosen) chosen.value = symbol;
    draw().then(() => plotly.relayout(place, { "xaxis.range": range }));
    place.scrollIntoView({ behavior: "smooth", block: "start" });
  }

  button.addEventListener("click", () => {
    root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark";
    keep(root.dataset.theme);
    draw();
  });
  document.querySelectorAll("table.sortable").forEach(sortable);
  document.querySelectorAll("tr[data-start]").forEach((row) =>
    row.addEventListener("click", () => zoomToTrade(row)));
  document.querySelectorAll("select[data-figure]").forEach((s) => s.addEventListener("change", draw));

  if (typeof DecompressionStream === "undefined") {
    document.querySelectorAll(".chart").forEach((place) => {
      place.textContent = "This browser is too old to draw the charts; the tables are complete.";
    });
    return;
  }
  plotly = await library();
  await draw();
  root.dataset.drawn = "yes";
})();
