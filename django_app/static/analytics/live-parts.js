/* Parts of the Live page that live.js leaves to this file: breakdowns, sparklines, the rebuild's banner. EAparts.paint(snapshot). */
const EAparts = ((page) => {
  "use strict";
  const T = EAtext, SVG = "http://www.w3.org/2000/svg";
  const $ = (id) => document.getElementById(id);
  const text = (element, value) => { if (element.textContent !== value) element.textContent = value; };
  /* A number as text, and exact for what is saved. */
  const number = (td, value, shown) => { text(td, shown); attribute(td, "data-v", String(value)); };
  const attribute = (element, name, value) => { if (element.getAttribute(name) !== value) element.setAttribute(name, value); };

  function cell(name, attributes, ...children) {
    const element = name === "svg" || name === "rect" ? document.createElementNS(SVG, name) : document.createElement(name);
    Object.entries(attributes).forEach(([key, value]) => element.setAttribute(key, value));
    element.append(...children);
    return element;
  }
  const row = () => cell("tr", {}, cell("th", { scope: "row" }), cell("td", { class: "bar-cell" }, cell("svg", { class: "bar", "aria-hidden": "true" },
    cell("rect", { class: "track", width: "100%", height: "100%", rx: "2" }), cell("rect", { class: "fill", width: "0%", height: "100%", rx: "2" }))),
  cell("td", { class: "num opt" }), cell("td", { class: "num" }), cell("td", { class: "num strong" }));

  function breakdown(body, found) {
    const most = Math.max(...found.map((one) => Number(one.gross_revenue)), 0);
    while (body.children.length > found.length) body.lastElementChild.remove();
    while (body.children.length < found.length) body.append(row());
    found.forEach((one, i) => {
      const { cells } = body.rows[i];
      text(cells[0], one.value);
      attribute(cells[1].querySelector(".fill"), "width", `${most ? (one.gross_revenue / most * 100).toFixed(1) : 0}%`);
      number(cells[2], one.events, T.count(one.events));
      number(cells[3], one.orders, T.count(one.orders));
      number(cells[4], one.gross_revenue, T.money(one.gross_revenue));
    });
    page.querySelector(`[data-breakdown-empty=${body.dataset.breakdown}]`).hidden = found.length > 0;
  }

  const WIDTH = 120, HEIGHT = 32, SPARKS = { net_revenue: "net_revenue", orders: "orders", sessions_now: "events" };
  function spark(values) {
    const low = Math.min(0, ...values), high = Math.max(0, ...values), step = WIDTH / Math.max(1, values.length - 1), scale = (HEIGHT - 2) / (high - low || 1);
    return `M${values.map((value, i) => `${(i * step).toFixed(1)} ${(HEIGHT - 1 - (value - low) * scale).toFixed(1)}`).join("L")}`;
  }
  function sparks(minutes) {
    for (const [tile, measure] of Object.entries(SPARKS)) {
      const line = page.querySelector(`[data-tile=${tile}] .spark path`);
      if (line) attribute(line, "d", spark(minutes.map((minute) => Number(minute[measure]))));
    }
  }

  /* While it is counted anew, how far; afterwards, for the rest of the day, that it was. */
  const today = (at) => at !== null && T.day(at) === page.dataset.date;
  function rebuild(state, ended) {
    if (state) {
      text($("rebuild-what"), `The live figures are counted anew, ${state.percent}%.`);
      text($("rebuild-then"), `It began at ${T.second(state.since)}; figures here grow until it is done.`);
    } else if (today(ended)) {
      text($("rebuild-what"), `The live figures were counted anew at ${T.second(ended)}.`);
      text($("rebuild-then"), "They are complete again.");
    }
    $("rebuild").hidden = !state && !today(ended);
  }

  function paint(snapshot) {
    page.querySelectorAll("[data-breakdown]").forEach((body) => breakdown(body, snapshot.breakdown?.[body.dataset.breakdown] ?? []));
    sparks(snapshot.minutes);
    rebuild(snapshot.rebuild, snapshot.rebuilt_at);
  }
  return { number, paint };
})(document.getElementById("live-page"));
