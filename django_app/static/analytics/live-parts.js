/* Parts of the Live page that live.js leaves to this file: breakdowns, sparklines, the rebuild's banner. EAparts.paint(snapshot). */
const EAparts = ((page) => {
  "use strict";
  const T = EAtext, SVG = "http://www.w3.org/2000/svg";
  const $ = (id) => document.getElementById(id);
  const text = (element, value) => { if (element.textContent !== value) element.textContent = value; };
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
      text(cells[2], T.count(one.events));
      text(cells[3], T.count(one.orders));
      text(cells[4], T.money(one.gross_revenue));
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

  /* While it is counted anew, how far; afterwards, that it was, until the page is loaded again. */
  let since = null;
  function rebuild(state, at) {
    const banner = $("rebuild");
    if (state) {
      since = state.since;
      text($("rebuild-what"), `The live figures are counted anew, ${state.percent} %.`);
      text($("rebuild-then"), `It began at ${T.second(state.since)}; figures here grow until it is done.`);
    } else if (since !== null && !banner.dataset.done) {
      banner.dataset.done = "1";
      text($("rebuild-what"), `The live figures were counted anew at ${T.second(at)}.`);
      text($("rebuild-then"), "They are complete again.");
    }
    banner.hidden = !state && !banner.dataset.done;
    if (state) delete banner.dataset.done;
  }

  function paint(snapshot) {
    page.querySelectorAll("[data-breakdown]").forEach((body) => breakdown(body, snapshot.breakdown?.[body.dataset.breakdown] ?? []));
    sparks(snapshot.minutes);
    rebuild(snapshot.rebuild, snapshot.as_of);
  }
  return { paint };
})(document.getElementById("live-page"));
