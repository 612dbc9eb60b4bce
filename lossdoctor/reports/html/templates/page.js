"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const COLORS = 8;
  const TALL = 300, LOW = 132, PHONE = 640;
  const AXIS = 62;
  const PRINTED = 690; // px of a printed page
  const MARKS = { flat: ["--muted", [6, 4]], onset: ["--bad", [6, 4]], best: ["--good", [2, 3]], stop: ["--ink", [10, 3, 2, 3]] };
  const figures = [];
  let printing = false;

  // words and colours

  const fits = (value) => value !== null && value !== undefined && Number.isFinite(value);
  const number = (value) => {
    if (!fits(value)) return "";
    const size = Math.abs(value);
    if (size !== 0 && (size < 1e-4 || size >= 1e9)) return value.toExponential(3).replace(/\.?0+e/, "e").replace("e+", "e");
    if (Number.isInteger(value) || size >= 1000) return Math.round(value).toLocaleString("en");
    return String(Number(value.toPrecision(4)));
  };
  const probe = document.createElement("span");
  probe.hidden = true;
  document.body.append(probe);
  let known = {};
  const color = (name, alpha = 1) => {
    if (!known[name]) {
      probe.style.color = `var(${name})`;
      known[name] = getComputedStyle(probe).color;
    }
    return alpha === 1 ? known[name] : known[name].replace("rgb(", "rgba(").replace(")", `, ${alpha})`);
  };
  const make = (tag, attributes = {}, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children);
    return element;
  };
  const swatch = (hue, dash) => {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
    svg.setAttribute("viewBox", "0 0 22 10");
    svg.setAttribute("aria-hidden", "true");
    line.setAttribute("d", "M1 5h20");
    line.style.stroke = `var(${hue})`;
    line.style.strokeWidth = "3";
    if (dash) line.setAttribute("stroke-dasharray", dash.join(" "));
    svg.append(line);
    return svg;
  };

  // one figure: panels above each other that share steps, cursor and zoom

  function figureOf(element, title, panels, marks) {
    const figure = { element, marks, charts: [], span: null, trend: true, box: element.querySelector(".panels") };
    const steps = panels.flatMap((panel) => panel.curves.flatMap((curve) => [curve.x[0], curve.x[curve.x.length - 1]]));
    panels.forEach((panel) => panel.forecast && steps.push(panel.forecast.x[1]));
    figure.all = [Math.min(...steps), Math.max(...steps)];
    figure.view = figure.all;
    figure.log = panels.length > 0 && panels[0].log;
    figure.sync = uPlot.sync(title + figures.length);
    figure.box.replaceChildren();
    panels.forEach((panel, place) => figure.charts.push(panelOf(figure, panel, place, panels.length)));
    const noisy = panels.some((panel) => panel.curves.some((curve) => curve.trend));
    const button = element.querySelector("[data-do=trend]");
    if (button) button.hidden = !noisy;
    figures.push(figure);
    refresh(figure);
    return figure;
  }

  function styleOf({ hue, faint }) {
    return { hue: `--c${((hue - 1) % COLORS) + 1}`, dash: hue > COLORS || faint ? [5, 3] : undefined };
  }

  function panelOf(figure, panel, place, count) {
    const legend = make("ul", { class: "legend" });
    const plot = make("div", {
      class: "plot", tabindex: "0", role: "img",
      "aria-label": place ? `chart of ${panel.name}: ${panel.curves.map((curve) => curve.name).join(", ")}` : `chart: ${figure.box.dataset.summary}`,
    });
    const name = make("h3", panel.curves.length === 1 && panel.curves[0].name === panel.name ? { class: "sr-only" } : {}, panel.name);
    figure.box.append(make("div", { class: "panel" }, make("div", { class: "panel-head" }, name, legend), plot));

    const tables = [], series = [{}], groups = [], bands = [];
    const add = (x, y, options) => { tables.push([x, y]); series.push({ spanGaps: false, ...options }); return series.length - 1; };
    panel.curves.forEach((curve, index) => {
      const { hue, dash } = styleOf(curve);
      const few = curve.x.length <= 40;
      const raw = add(curve.x, curve.y, {
        label: curve.name, dash, width: 1.6, lossdoctor: curve, hue,
        stroke: () => color(hue, curve.trend && figure.trend ? 0.33 : 1),
        points: { show: few, size: 5, stroke: () => color(hue), fill: () => color(hue) },
      });
      const line = curve.trend && add(curve.trend[0], curve.trend[1], { dash, width: 2.4, stroke: () => color(hue), points: { show: false }, trend: true });
      groups.push(line ? [raw, line] : [raw]);
      const value = make("b");
      const button = make("button", { type: "button", "aria-pressed": "true", title: `${curve.n.toLocaleString("en")} points` },
        swatch(hue, dash), make("span", { class: "label" }, curve.name), value);
      button.addEventListener("click", () => {
        const on = button.getAttribute("aria-pressed") !== "true";
        button.setAttribute("aria-pressed", on);
        groups[index].forEach((each) => chart.u.setSeries(each, { show: on && (!series[each].trend || figure.trend) }));
      });
      legend.append(make("li", {}, button));
      curve.value = value;
    });
    if (panel.forecast) {
      const { x, value, low, high } = panel.forecast;
      const { hue } = styleOf(panel.curves.find((curve) => curve.name === panel.forecast.metric));
      add(x, value, { dash: [3, 3], width: 2, stroke: () => color(hue), points: { show: false } });
      if (fits(low) && fits(high)) {
        const top = add(x, [value[0], high], { stroke: "transparent", points: { show: false } });
        const bottom = add(x, [value[0], low], { stroke: "transparent", points: { show: false } });
        bands.push({ series: [top, bottom], fill: () => color(hue, 0.2) });
      }
      legend.append(make("li", { class: "note" }, "dashed: forecast"));
    }
    const joined = uPlot.join(tables);
    const positive = [joined[0], ...joined.slice(1).map((values) => values.map((value) => (fits(value) && value <= 0 ? null : value)))];
    const chart = { panel, plot, series, groups, bands, joined, positive, place, count, figure };
    return chart;
  }

  function options(chart) {
    const { figure, place, count, panel } = chart;
    const log = figure.log && canLog(chart);
    const axis = { stroke: () => color("--muted"), font: "12px system-ui, sans-serif", ticks: { show: false }, grid: { stroke: () => color("--line"), width: 1 } };
    const labelled = place === 0 || place === count - 1;
    const space = place === 0 && figure.marks.length ? 40 : 8;
    return {
      width: widthOf(figure), height: (place ? LOW : innerWidth < PHONE ? 240 : TALL) + (labelled ? 26 : 8) + (place ? 0 : space - 8),
      padding: [space, 14, 0, 0], legend: { show: false }, pxAlign: 0,
      scales: { x: { time: false, range: () => figure.view }, y: log ? { distr: 3, log: 10, range: (u, low, high) => uPlot.rangeLog(low, high, 10, false) } : { range: (u, low, high) => uPlot.rangeNum(low, high, 0.08, true) } },
      axes: [
        { ...axis, show: true, size: labelled ? 26 : 8, gap: 6, space: 70, values: (u, ticks) => ticks.map((tick) => (labelled ? number(tick) : "")) },
        { ...axis, ...(log && { filter: round, grid: { ...axis.grid, filter: round } }), size: AXIS, gap: 6, space: place ? 28 : 38, values: (u, ticks) => ticks.map((tick) => (tick === null ? "" : number(tick))) },
      ],
      series: chart.series, bands: chart.bands,
      cursor: {
        y: false, drag: { x: true, y: false, setScale: false }, sync: { key: figure.sync.key, setSeries: false, scales: ["x", null] },
        points: {
          size: 9, stroke: (u, index) => color(u.series[index].hue), fill: () => color("--sheet"),
          show: (u, index) => u.series[index].lossdoctor && make("div"),
        },
        dataIdx: nearest, bind: { dblclick: () => () => zoom(figure, figure.all) },
      },
      hooks: {
        drawClear: [(u) => background(u, figure, chart)], draw: [(u) => foreground(u, figure, chart)],
        setCursor: [(u) => read(u, figure, chart)], setSelect: [(u) => select(u, figure)],
      },
    };
  }

  const canLog = ({ place, panel }) => (place === 0 || panel.decades) && panel.curves.some((curve) => curve.y.some((value) => value > 0));
  const round = (u, ticks) => {
    const shown = ticks.filter((tick) => tick > 0), wide = shown.length > 1 && shown[shown.length - 1] / shown[0] > 200;
    return ticks.map((tick) => ((wide ? [1] : [1, 2, 5]).includes(Number((tick / 10 ** Math.floor(Math.log10(tick) + 1e-9)).toFixed(6))) ? tick : null));
  };
  const widthOf = (figure) => (printing ? PRINTED : Math.max(figure.box.clientWidth, 200));

  function nearest(u, series, index) {
    const values = u.data[series];
    for (let away = 0; away < values.length; away++) {
      if (fits(values[index - away])) return index - away;
      if (fits(values[index + away])) return index + away;
    }
    return index;
  }

  function refresh(figure) {
    for (const chart of figure.charts) {
      if (chart.u) chart.u.destroy();
      const shown = chart.series.map((series) => series.show);
      chart.series = chart.series.map((series, index) => ({ ...series, show: index === 0 || (series.trend ? figure.trend : shown[index] !== false) }));
      chart.u = new uPlot(options(chart), figure.log && canLog(chart) ? chart.positive : chart.joined, chart.plot);
    }
    const log = figure.element.querySelector("[data-do=log]");
    log.setAttribute("aria-pressed", figure.log);
    log.disabled = !figure.charts.some(canLog);
  }

  function zoom(figure, [low, high]) {
    const [first, last] = figure.all;
    const least = (last - first) / 1e5 || 1e-9;
    low = Math.max(low, first);
    high = Math.min(high, last);
    if (!(high - low > least)) return;
    figure.view = [low, high];
    for (const { u } of figure.charts) u.setData(u.data, true);
  }

  function zoomBy(figure, factor) {
    const [low, high] = figure.view;
    const u = figure.charts[0].u;
    const at = u.cursor.left >= 0 ? u.posToVal(u.cursor.left, "x") : (low + high) / 2;
    zoom(figure, [at - (at - low) * factor, at + (high - at) * factor]);
  }

  function select(u, figure) {
    if (u.select.width < 4) return;
    const view = [u.posToVal(u.select.left, "x"), u.posToVal(u.select.left + u.select.width, "x")];
    for (const chart of figure.charts) chart.u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    zoom(figure, view);
  }

  // what is drawn behind and over the curves

  function strip(u, from, to, hue, alpha) {
    const { left, top, width, height } = u.bbox;
    const a = Math.max(u.valToPos(from, "x", true), left), b = Math.min(u.valToPos(to, "x", true), left + width);
    if (b < left || a > left + width) return;
    const least = 2 * devicePixelRatio; // so that a single step is still seen
    u.ctx.fillStyle = color(hue, b - a < least ? 0.7 : alpha);
    u.ctx.fillRect(a, top, Math.max(b - a, least), height);
  }

  const lost = (chart, curve) => (chart.panel.overlay ? styleOf(curve).hue : "--bad"); // of several runs it must be seen which one it is

  function background(u, figure, chart) {
    u.ctx.save();
    if (figure.span) strip(u, ...figure.span, "--warn", 0.16);
    for (const curve of chart.panel.curves) for (const [from, to] of curve.holes) strip(u, from, to, lost(chart, curve), 0.14);
    u.ctx.restore();
  }

  function foreground(u, figure, chart) {
    const { ctx, bbox } = u, ratio = devicePixelRatio;
    ctx.save();
    ctx.font = `600 ${12 * ratio}px system-ui, sans-serif`;
    ctx.textBaseline = "alphabetic";
    ctx.textAlign = "left";
    const holed = chart.panel.curves.find((curve) => curve.holes.length);
    if (holed) {
      const at = Math.max(u.valToPos(holed.holes[0][0], "x", true), bbox.left) + 5 * ratio;
      label(u, "not finite", Math.min(at, bbox.left + bbox.width - 62 * ratio), bbox.top + 14 * ratio, lost(chart, holed));
    }
    const rows = [-Infinity, -Infinity];
    for (const { names, step } of together(figure.marks)) {
      const x = u.valToPos(step, "x", true);
      if (x < bbox.left - 1 || x > bbox.left + bbox.width + 1) continue;
      const [hue, dash] = MARKS[names[0]];
      ctx.strokeStyle = color(hue);
      ctx.lineWidth = 1.5 * ratio;
      ctx.setLineDash(dash.map((length) => length * ratio));
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
      if (chart.place) continue;
      const text = `${names.join(", ")} ${number(step)}`, wide = ctx.measureText(text).width;
      const at = Math.min(Math.max(x - wide / 2, bbox.left), bbox.left + bbox.width - wide);
      const row = rows.findIndex((end) => at > end);
      if (row < 0) continue;
      rows[row] = at + wide + 8 * ratio;
      label(u, text, at, bbox.top - (6 + 15 * row) * ratio, hue);
    }
    ctx.restore();
  }

  function label(u, text, x, y, hue) {
    u.ctx.fillStyle = color(hue);
    u.ctx.fillText(text, x, y);
  }

  function together(marks) {
    const steps = new Map();
    for (const { name, step } of marks) steps.set(step, [...(steps.get(step) || []), name]);
    return [...steps].map(([step, names]) => ({ step, names })).sort((a, b) => a.step - b.step);
  }

  // values under the cursor

  function read(u, figure, chart) {
    const inside = u.cursor.left >= 0;
    u.series.forEach((series, index) => {
      if (!series.lossdoctor) return;
      const at = inside ? u.cursor.idxs[index] : null;
      series.lossdoctor.value.textContent = at === null || at === undefined ? "" : number(u.data[index][at]);
    });
    if (chart.place === 0) {
      const step = inside ? u.data[0][u.cursor.idx] : null;
      figure.element.querySelector(".where").textContent = fits(step) ? `step ${number(Math.floor(step))}` : "";
    }
  }

  function say(figure) {
    const parts = [figure.element.querySelector(".where").textContent];
    for (const { panel } of figure.charts) for (const curve of panel.curves) if (curve.value.textContent) parts.push(`${curve.name} ${curve.value.textContent}`);
    document.getElementById("announcer").textContent = parts.filter(Boolean).join(", ");
  }

  function move(figure, u, by) {
    const steps = u.data[0], [low, high] = figure.view;
    const first = steps.findIndex((step) => step >= low), last = steps.findLastIndex((step) => step <= high);
    const now = u.cursor.left >= 0 && fits(u.cursor.idx) ? u.cursor.idx : by > 0 ? first - 1 : last + 1;
    const next = Math.min(Math.max(now + by, first), last);
    u.setCursor({ left: u.valToPos(steps[next], "x"), top: 10 }, true, true);
    say(figure);
  }

  // controls

  function command(figure, name) {
    if (name === "log") { figure.log = !figure.log; refresh(figure); }
    if (name === "trend") {
      figure.trend = !figure.trend;
      figure.element.querySelector("[data-do=trend]").setAttribute("aria-pressed", figure.trend);
      refresh(figure);
    }
    if (name === "in") zoomBy(figure, 0.5);
    if (name === "out") zoomBy(figure, 2);
    if (name === "all") { figure.span = null; zoom(figure, figure.all); }
  }

  function control(element, current) {
    element.querySelector(".toolbar").addEventListener("click", (event) => {
      const button = event.target.closest("[data-do]");
      if (button) command(current(), button.dataset.do);
    });
    element.addEventListener("keydown", (event) => {
      const plot = event.target.closest(".plot");
      if (!plot || event.ctrlKey || event.metaKey || event.altKey) return;
      const figure = current(), { u } = figure.charts.find((chart) => chart.plot === plot);
      const jump = event.shiftKey ? 10 : 1;
      const keys = {
        ArrowRight: () => move(figure, u, jump), ArrowLeft: () => move(figure, u, -jump),
        Home: () => move(figure, u, -1e9), End: () => move(figure, u, 1e9),
        "+": () => command(figure, "in"), "=": () => command(figure, "in"), "-": () => command(figure, "out"),
        0: () => command(figure, "all"), Escape: () => command(figure, "all"), l: () => command(figure, "log"), L: () => command(figure, "log"),
      };
      if (!keys[event.key]) return;
      event.preventDefault();
      keys[event.key]();
    });
  }

  for (const element of document.querySelectorAll(".figure[data-figure]")) {
    const { title, panels, marks } = data[Number(element.dataset.figure)];
    const figure = figureOf(element, title, panels, marks);
    control(element, () => figure);
  }

  for (const button of document.querySelectorAll("button.show")) {
    button.addEventListener("click", () => {
      const figure = figures.find(({ element }) => element.id === button.dataset.figure);
      figure.span = [Number(button.dataset.from), Number(button.dataset.to)];
      zoom(figure, figure.all);
      figure.element.scrollIntoView({ block: "nearest" });
    });
  }

  const overlay = document.querySelector(".figure[data-overlay]");
  if (overlay) {
    const choice = overlay.querySelector("select");
    const names = [...new Set(data.flatMap((run) => run.panels.flatMap((panel) => panel.curves.map((curve) => curve.name))))];
    const shared = (name) => data.filter((run) => run.panels.some((panel) => panel.curves.some((curve) => curve.name === name))).length;
    for (const name of names) choice.append(make("option", { value: name }, name));
    choice.value = ["val_loss", "train_loss", ...names].find((name) => names.includes(name) && shared(name) > 1) || names[0] || "";
    let figure = null;
    const draw = () => {
      const curves = data.flatMap((run, place) =>
        run.panels.flatMap((panel) => panel.curves.filter((curve) => curve.name === choice.value).map((curve) => ({ ...curve, name: run.short, hue: place + 1 }))));
      const tops = curves.map((curve) => Math.max(...curve.y.filter(fits)));
      const log = Math.max(...tops) > 10 * Math.min(...tops) || data.some((run) => run.panels.some((panel) => panel.log && panel.curves.some((curve) => curve.name === choice.value)));
      if (figure) { figure.charts.forEach(({ u }) => u.destroy()); figures.splice(figures.indexOf(figure), 1); }
      figure = curves.length ? figureOf(overlay, choice.value, [{ name: choice.value, log, curves, forecast: null, overlay: true }], []) : null;
      overlay.hidden = !figure;
    };
    draw();
    choice.addEventListener("change", draw);
    control(overlay, () => figure);
  }

  // light and dark, width, print

  const dark = matchMedia("(prefers-color-scheme: dark)");
  const root = document.documentElement, toggle = document.querySelector(".scheme");
  function repaint() {
    known = {};
    const isDark = root.dataset.scheme ? root.dataset.scheme === "dark" : dark.matches;
    toggle.textContent = isDark ? "Light" : "Dark";
    toggle.setAttribute("aria-label", `Switch to ${isDark ? "light" : "dark"} colours`);
    figures.forEach(({ charts }) => charts.forEach(({ u }) => u.redraw()));
  }
  toggle.hidden = false;
  toggle.addEventListener("click", () => {
    root.dataset.scheme = toggle.textContent.toLowerCase();
    repaint();
  });
  dark.addEventListener("change", repaint);
  const fit = () => figures.forEach((figure) => figure.charts.forEach(({ u }) => u.setSize({ width: widthOf(figure), height: u.height })));
  const widths = new ResizeObserver(fit);
  document.querySelectorAll(".panels").forEach((box) => widths.observe(box));
  let chosen = null; // the scheme before it was printed
  const print = (on) => {
    printing = on;
    if (on) chosen = root.dataset.scheme;
    if (on || chosen) root.dataset.scheme = on ? "light" : chosen;
    else delete root.dataset.scheme;
    fit();
    repaint();
  };
  addEventListener("beforeprint", () => print(true));
  addEventListener("afterprint", () => print(false));
  repaint();
})();
