/* The one place for chart options (Chart.js 4). A chart reads its numbers from the table in its own card, so both agree:
     <section class="card" data-chart="line|bar|stack|waterfall|share" data-unit="<ISO currency>|count|percent">
       <div class="plot"><canvas role="img" aria-label="what it shows, in one sentence"></canvas></div>
       <div class="table-wrap"><table> th[data-series="current|previous|c1..c6"][data-label]; tr[data-state][data-kind];
         first cell [data-short]; value cell [data-v] (no data-v: a gap) </table></div>
   data-v of percent is in per cent (2.57). Optional on the card: data-live (no animation), data-max, data-marks="80:A,95:B".
   Live pages: change the cells' text and data-v, then EA.refresh(card). */
const EA = (() => {
  "use strict";
  const drawn = new Map();                        /* card -> { view, chart } */
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const locale = document.documentElement.dataset.locale;
  const probe = document.body.appendChild(Object.assign(document.createElement("i"), { hidden: true }));

  /* Colours come from the tokens, so a chart follows the theme. */
  function colour(token) {
    probe.style.color = `var(--${token})`;
    return getComputedStyle(probe).color;
  }
  const family = () => getComputedStyle(document.body).fontFamily;
  const seriesColour = (role) => colour({ current: "accent", previous: "chart-compare" }[role] || role);
  const pale = (rgb) => rgb.replace(/^rgb\((.+)\)$/, "rgba($1, 0.4)");

  /* Solid means settled. */
  const open = (state) => state === "live" || state === "provisional";
  const part = (role) => /^c\d$/.test(role);
  const DASH = { c2: [7, 3], c3: [2, 3], c4: [9, 3, 2, 3] };

  /* Axes short, exact elsewhere, always with the unit. */
  function format(unit, value, exact = false) {
    if (value === null || value === undefined) return "no data";
    const money = /^[A-Z]{3}$/.test(unit), size = Math.abs(value);
    const decimals = size >= 1000 ? 1 : size >= 100 ? 0 : 2;
    const options = { minimumFractionDigits: 0, maximumFractionDigits: decimals };
    if (!exact) options.notation = "compact";
    if (money) Object.assign(options, { style: "currency", currency: unit });
    if (exact && money) { delete options.minimumFractionDigits; delete options.maximumFractionDigits; }
    if (unit === "percent") Object.assign(options, { style: "percent", notation: "standard", maximumFractionDigits: exact ? 2 : 1 });
    return new Intl.NumberFormat(locale, options).format(unit === "percent" ? value / 100 : value).replace("-", "−");
  }

  /* ---------- The card's table as series ---------- */
  function read(card) {
    const table = card.querySelector("table");
    const rows = [...table.tBodies[0].rows];
    const columns = [...table.tHead.rows[0].cells].filter((th) => th.dataset.series);
    const number = (cell) => (cell.dataset.v === undefined || cell.dataset.v === "" ? null : Number(cell.dataset.v));
    return {
      labels: rows.map((row) => row.cells[0].dataset.short || row.cells[0].textContent.trim()),
      titles: rows.map((row) => row.cells[0].dataset.title || row.cells[0].textContent.trim()),
      states: rows.map((row) => row.dataset.state || "final"),
      kinds: rows.map((row) => row.dataset.kind || ""),
      series: columns.map((th) => ({
        role: th.dataset.series,
        name: th.dataset.label || th.textContent.trim(),
        values: rows.map((row) => number(row.cells[th.cellIndex])),
        texts: rows.map((row) => row.cells[th.cellIndex].textContent.trim()),
      })),
    };
  }

  /* ---------- Series as Chart.js datasets ---------- */
  const alone = (values, i) => values[i] !== null && (values[i - 1] ?? null) === null && (values[i + 1] ?? null) === null;

  function lineSet(series, data) {
    const c = seriesColour(series.role), previous = series.role === "previous", dash = DASH[series.role];
    const ring = (state) => !previous && !part(series.role) && (state === "revised" || state === "provisional");
    const rings = { revised: colour("info"), provisional: colour("warn") };
    return {
      label: series.name, data: series.values, borderColor: c, backgroundColor: c, order: previous ? 2 : 1,
      borderWidth: previous ? 1.5 : 2, borderDash: previous ? [4, 4] : dash, tension: 0, spanGaps: false,
      segment: previous ? undefined : { borderDash: (p) => (open(data.states[p.p1DataIndex]) ? [3, 3] : dash) },
      pointRadius: data.states.map((state, i) => (ring(state) ? 4 : alone(series.values, i) ? 3 : 0)),
      pointHoverRadius: 4, pointHitRadius: 12, pointBorderWidth: 2, pointBackgroundColor: colour("surface"),
      pointBorderColor: data.states.map((state) => (previous ? c : rings[state] || c)),
    };
  }

  function barSet(series, data) {
    const c = seriesColour(series.role), soft = part(series.role) ? pale(c) : colour("chart-soft");
    const edge = { top: 1.5, left: 0, right: 0, bottom: 0 };
    return {
      label: series.name, data: series.values, borderColor: c, borderSkipped: false, borderRadius: 1,
      maxBarThickness: 36, categoryPercentage: 0.86, barPercentage: 0.94,
      backgroundColor: data.states.map((state) => (open(state) ? soft : c)),
      borderWidth: data.states.map((state) => (open(state) ? edge : 0)),
    };
  }

  /* A waterfall's bar floats from the running total before its row to the one after it. */
  function waterfallSet(series, data) {
    let total = 0;
    const spans = series.values.map((value, i) => {
      const from = data.kinds[i] === "total" ? 0 : total;
      total = from + (value ?? 0);
      return [from, total];
    });
    const fill = (value, i) => colour(data.kinds[i] === "total" ? "accent" : value < 0 ? "c2" : "c3");
    return {
      label: series.name, data: spans, borderRadius: 1, maxBarThickness: 64, minBarLength: 2, categoryPercentage: 0.8,
      backgroundColor: series.values.map(fill),
    };
  }

  const SETS = { line: lineSet, share: lineSet, waterfall: waterfallSet };
  const datasets = (kind, data) => data.series.map((series) => (SETS[kind] || barSet)(series, data));

  /* ---------- Names at the ends of lines, values on a waterfall's bars: in place of a legend ---------- */
  function endsOf(chart) {
    const { left, width, bottom } = chart.chartArea, several = chart.data.labels.length > 1;
    const ends = chart.data.datasets.map((set, i) => {
      const last = set.data.findLastIndex((value) => value !== null), point = chart.getDatasetMeta(i).data[last];
      return point && { x: point.x, y: point.y, text: set.label, colour: set.borderColor, early: several && point.x < left + 0.85 * width };
    }).filter(Boolean).sort((a, b) => a.y - b.y);
    const beside = ends.filter((end) => !end.early);
    beside.forEach((end, i) => { if (i && end.y - beside[i - 1].y < 15) end.y = beside[i - 1].y + 15; });
    const over = beside.length ? Math.max(0, beside.at(-1).y + 7 - bottom) : 0;
    beside.forEach((end) => { end.y -= over; });
    return ends;
  }

  function nameEnds(chart) {
    const { ctx, chartArea } = chart;
    Object.assign(ctx, { strokeStyle: colour("surface"), lineWidth: 4, lineJoin: "round" });
    ctx.textAlign = "left";
    endsOf(chart).forEach((end) => {              /* a line that stops early is named beside its last point */
      const x = (end.early || chart.data.labels.length === 1 ? end.x : chartArea.right) + 8;
      ctx.fillStyle = end.colour;
      ctx.strokeText(end.text, x, end.y);
      ctx.fillText(end.text, x, end.y);
    });
  }

  function nameSteps(chart, view) {
    const { ctx } = chart;
    Object.assign(ctx, { textAlign: "center", fillStyle: colour("ink") });
    chart.getDatasetMeta(0).data.forEach((bar, i) => {
      ctx.fillText(format(view.unit, view.data.series[0].values[i]), bar.x, Math.min(bar.y, bar.base) - 10);
    });
  }

  const labels = {
    id: "labels",
    afterDatasetsDraw(chart, _args, { view }) {
      chart.ctx.save();
      Object.assign(chart.ctx, { font: `500 12px ${family()}`, textBaseline: "middle" });
      if (view.ends) nameEnds(chart);
      if (view.kind === "waterfall") nameSteps(chart, view);
      chart.ctx.restore();
    },
  };

  /* ---------- Limits (data-marks) and the hairline under the pointer ---------- */
  function stroke(ctx, from, to, dash) {
    Object.assign(ctx, { strokeStyle: colour("chart-base"), lineWidth: 1 });
    ctx.setLineDash(dash);
    ctx.beginPath();
    ctx.moveTo(...from);
    ctx.lineTo(...to);
    ctx.stroke();
  }

  const rules = {
    id: "rules",
    beforeDatasetsDraw(chart, _args, { view }) {
      const { ctx, chartArea: area, scales } = chart;
      ctx.save();
      Object.assign(ctx, { font: `12px ${family()}`, textAlign: "right", fillStyle: colour("chart-axis") });
      view.marks.forEach(({ at, text }) => {
        const y = Math.round(scales.y.getPixelForValue(at)) + 0.5;
        stroke(ctx, [area.left, y], [area.right, y], [2, 3]);
        ctx.fillText(text, area.right, y + 14);
      });
      const hover = chart.tooltip?.getActiveElements()[0];
      if (hover && chart.config.type === "line") {
        const x = Math.round(hover.element.x) + 0.5;
        stroke(ctx, [x, area.top], [x, area.bottom], []);
      }
      ctx.restore();
    },
  };

  /* ---------- Options ---------- */
  function tooltip(view) {
    const font = (weight) => ({ family: family(), size: 12, weight });
    const settled = (state) => state === "final" || state === "none" || view.kind === "waterfall";
    return {
      backgroundColor: colour("surface"), borderColor: colour("line-strong"), borderWidth: 1, cornerRadius: 4, padding: 10, caretSize: 0,
      titleColor: colour("ink"), bodyColor: colour("ink-2"), footerColor: colour("ink-3"),
      titleFont: font(600), bodyFont: font(400), footerFont: font(400),
      boxWidth: 8, boxHeight: 8, boxPadding: 6, usePointStyle: view.isLine, animation: false,
      callbacks: {
        title: (items) => view.data.titles[items[0].dataIndex],
        label: (item) => {
          const series = view.data.series[item.datasetIndex];
          return `${series.name}  ${series.texts[item.dataIndex] || format(view.unit, series.values[item.dataIndex], true)}`;
        },
        footer: (items) => {
          const state = view.data.states[items[0].dataIndex];
          if (settled(state)) return "";
          return state === "revised" ? "Revised" : `Not settled: ${state}`;
        },
      },
    };
  }

  function scales(card, view) {
    const ticks = { color: colour("chart-axis"), font: { family: family(), size: 12 } };
    const stacked = view.kind === "stack";
    return {
      x: {
        stacked, offset: !view.isLine || view.data.labels.length === 1, grid: { display: false }, border: { color: colour("chart-base") },
        ticks: { ...ticks, maxRotation: 0, autoSkip: view.kind !== "waterfall", autoSkipPadding: 18, maxTicksLimit: card.clientWidth < 480 ? 5 : 12 },
      },
      y: {
        stacked, beginAtZero: true, suggestedMax: Number(card.dataset.max) || undefined, border: { display: false },
        grid: { color: colour("chart-grid"), drawTicks: false },
        ticks: { ...ticks, padding: 8, maxTicksLimit: 5, precision: view.unit === "count" ? 0 : undefined, callback: (value) => format(view.unit, value) },
      },
    };
  }

  function viewOf(card) {
    const data = read(card), kind = card.dataset.chart, isLine = kind === "line" || kind === "share";
    const marks = (card.dataset.marks || "").split(",").filter(Boolean).map((mark) => mark.split(":"));
    return {
      data, kind, isLine, unit: card.dataset.unit, ends: isLine && data.series.length > 1,
      marks: marks.map(([at, text]) => ({ at: Number(at), text })),
    };
  }

  function config(card, view) {
    const room = view.ends ? Math.max(...view.data.series.map((series) => series.name.length)) * 6.6 + 12 : 4;
    const quiet = card.hasAttribute("data-live") || still.matches;
    return {
      type: view.isLine ? "line" : "bar",
      data: { labels: view.data.labels, datasets: datasets(view.kind, view.data) },
      plugins: [labels, rules],
      options: {
        responsive: true, maintainAspectRatio: false, locale,
        animation: quiet ? false : { duration: 200 },
        transitions: { active: { animation: { duration: 0 } }, resize: { animation: { duration: 0 } } },
        interaction: { mode: "index", intersect: false },
        layout: { padding: { top: view.kind === "waterfall" ? 20 : 6, right: room, bottom: 0, left: 0 } },
        scales: scales(card, view),
        plugins: { legend: { display: false }, labels: { view }, rules: { view }, tooltip: tooltip(view) },
      },
    };
  }

  /* ---------- Drawing ---------- */
  function draw(card) {
    drawn.get(card)?.chart.destroy();
    const view = viewOf(card);
    drawn.set(card, { view, chart: new Chart(card.querySelector("canvas"), config(card, view)) });
  }

  /* The live path: new numbers in the same chart, without animation or layout. */
  function refresh(card) {
    const known = drawn.get(card);
    if (!known) return;
    known.view.data = read(card);
    known.chart.data.labels = known.view.data.labels;
    datasets(known.view.kind, known.view.data).forEach((set, i) => Object.assign(known.chart.data.datasets[i], set));
    known.chart.update("none");
  }

  function drawAll() { document.querySelectorAll("[data-chart]").forEach(draw); }

  drawAll();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
  new MutationObserver(drawAll).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  return { draw, drawAll, refresh, format, colour };
})();
