/* The Live page: writes each snapshot into the page, text only and only where it differs.
   Charts read their card's table; definitions, menus and the pause button need nothing from here. */
(() => {
  "use strict";
  const page = document.getElementById("live-page"), T = EAtext, { setValue, say } = EAui;
  const $ = (id) => document.getElementById(id);
  let latest = null, arrived = 0, painted = null, compared = readJson("compared");

  function readJson(id) {
    const element = $(id);
    return element ? JSON.parse(element.textContent) : null;
  }
  function text(element, value) {
    if (element.textContent === value) return false;
    element.textContent = value;
    return true;
  }
  function attribute(element, name, value) {
    if (element.getAttribute(name) !== value) element.setAttribute(name, value);
  }
  function use(icon, name) { attribute(icon.firstElementChild, "href", `#${name}`); }

  /* ---------- Key figures ---------- */
  const ratio = (top, bottom) => (bottom ? top / bottom : null);
  function figures(snapshot) {
    const m = snapshot.measures, e = snapshot.estimates;
    return {
      net_revenue: Number(m.net_revenue), orders: m.orders, refunds: Number(m.refunds), visitors: e.visitors, sessions_now: snapshot.now.sessions,
      average_order_value: ratio(m.gross_revenue - m.discounts, m.orders), conversion_rate: ratio(e.sessions_with_order, e.sessions),
    };
  }
  const MONEY = new Set(["net_revenue", "refunds", "average_order_value"]);
  const parts = (name, value) => (MONEY.has(name) ? T.moneyParts(value) : [name === "conversion_rate" ? T.percent(value) : T.count(value), ""]);

  function change(tile, name, value) {
    const before = compared?.measures[name] ?? null, by = tile.querySelector(".delta b"), note = tile.querySelector(".note");
    by.hidden = !Number(before) || value === null || "estimated" in tile.dataset;
    if (value === null) return text(note, "estimated" in tile.dataset ? "no session yet today" : "no order yet today");
    if ("estimated" in tile.dataset) return text(note, "estimated");
    if (by.hidden) return text(note, compared ? `nothing by then last ${compared.day}` : "no data a week before");
    const way = value > before ? "up" : value < before ? "down" : "flat";
    const tone = way === "flat" ? "" : (way === "up") === (name !== "refunds") ? "good" : "bad";
    attribute(by, "class", tone);
    use(by.firstElementChild, way);
    text(by.querySelector(".sr"), { good: `${way}, better: `, bad: `${way}, worse: ` }[tone] || "");
    text(by.querySelector(".by"), T.change(value / before - 1));
    return text(note, `vs ${parts(name, Number(before)).join("")}`);
  }
  function tiles(now) {
    for (const tile of page.querySelectorAll("[data-tile]")) {
      const name = tile.dataset.tile, value = now[name], [whole, minor] = parts(name, value);
      setValue(tile.querySelector(".whole"), whole);
      text(tile.querySelector(".part"), minor);
      tile.querySelector(".value").classList.toggle("pending", value === null);
      tile.querySelector(".about").hidden = value === null || !("estimated" in tile.dataset);
      change(tile, name, value);
    }
  }
  const orders = (number) => `${T.count(number)} order${number === 1 ? "" : "s"}`;
  function answer(now) {
    text($("answer-net"), T.money(now.net_revenue));
    text($("answer-orders"), orders(now.orders));
    const before = Number(compared?.measures.net_revenue ?? 0), by = before ? T.change(now.net_revenue / before - 1) : "";
    const [amount, than] = by === T.percent(0, 1) ? ["the same", "as"] : [by && `${by.slice(1)} ${by.startsWith("+") ? "more" : "less"}`, "than"];
    const [strong, rest] = $("answer-compare").children;
    $("answer-compare").hidden = !by;
    text(strong, amount || "");
    text(rest, by ? `${than} last ${compared.day} by ${compared.until}` : "");
  }

  /* ---------- Charts: their tables ---------- */
  function cell(td, value, shown) {
    if (value === null) delete td.dataset.v;
    else if (td.dataset.v !== String(value)) td.dataset.v = value;
    return text(td, shown);
  }
  function day(snapshot) {
    const card = $("day"), rows = card.querySelector("tbody").rows;
    const now = Number(T.minute(snapshot.as_of).slice(0, 2));
    let total = 0, changed = false;
    snapshot.hours.forEach((hour, i) => {
      total += Math.round(Number(hour.net_revenue) * 10000);
      const value = i <= now ? (total / 10000).toFixed(4) : null;
      attribute(rows[i], "data-state", i === now ? "live" : "final");
      changed = cell(rows[i].cells[1], value, value === null ? "" : T.money(value)) || changed;
    });
    if (changed) EA.refresh(card);
  }
  function minutes(key, snapshot, value, shown) {
    const card = $(key), rows = card.querySelector("tbody").rows;
    let changed = false;
    snapshot.minutes.forEach((minute, i) => {
      changed = text(rows[i].cells[0], T.minute(minute.minute)) || changed;
      changed = cell(rows[i].cells[1], value(minute), shown(value(minute))) || changed;
    });
    if (changed) EA.refresh(card);
  }

  /* ---------- Tables ---------- */
  const SVG = "http://www.w3.org/2000/svg";
  function make(name, attributes = {}, ...children) {
    const element = /^(svg|rect|use)$/.test(name) ? document.createElementNS(SVG, name) : document.createElement(name);
    Object.entries(attributes).forEach(([key, value]) => element.setAttribute(key, value));
    element.append(...children);
    return element;
  }
  function rowsOf(body, count, row) {
    while (body.children.length > count) body.lastElementChild.remove();
    while (body.children.length < count) body.append(row());
    return [...body.children];
  }
  const productRow = () => make("tr", {},
    make("th", { scope: "row" }, make("span", { class: "name" }), make("span", { class: "sub" })),
    make("td", { class: "bar-cell" }, make("svg", { class: "bar", "aria-hidden": "true" },
      make("rect", { class: "track", width: "100%", height: "100%", rx: "2" }), make("rect", { class: "fill", width: "0%", height: "100%", rx: "2" }))),
    make("td", { class: "num opt" }), make("td", { class: "num strong" }));
  function products(found) {
    const most = Math.max(...found.map((product) => Number(product.gross_revenue)), 0);
    rowsOf($("live-products"), found.length, productRow).forEach((row, i) => {
      text(row.querySelector(".name"), found[i].item_name || found[i].item_id);
      text(row.querySelector(".sub"), found[i].item_id);
      attribute(row.querySelector(".fill"), "width", `${most ? (found[i].gross_revenue / most * 100).toFixed(1) : 0}%`);
      EAparts.number(row.cells[2], found[i].units, T.count(found[i].units));
      EAparts.number(row.cells[3], found[i].gross_revenue, T.money(found[i].gross_revenue));
    });
    $("products-empty").hidden = found.length > 0;
  }
  function funnel(steps) {
    const all = steps.sessions, share = (part, whole) => (whole ? Math.min(1, part / whole) : null);
    let before = all;
    for (const row of $("live-funnel").rows) {
      const count = steps[row.dataset.step], fill = (share(count, all) ?? 0) * 100, was = (share(before, all) ?? 0) * 100;
      const [lost, solid] = row.querySelectorAll("rect");
      attribute(lost, "x", `${fill.toFixed(2)}%`);
      attribute(lost, "width", `${Math.max(0, was - fill).toFixed(2)}%`);
      attribute(solid, "width", `${fill.toFixed(2)}%`);
      EAparts.number(row.cells[2], count, T.count(count));
      text(row.cells[3], T.percent(share(count, all), 1));
      if (row.dataset.step !== "sessions") text(row.cells[4], T.percent(share(count, before), 1));
      before = count;
    }
  }
  function ledger(totals) {
    const reasons = Object.entries(totals.refused).sort(), refused = reasons.reduce((sum, [, number]) => sum + number, 0);
    const values = { ...totals, refused };
    page.querySelectorAll("[data-total]").forEach((td) => EAparts.number(td, values[td.dataset.total], T.count(values[td.dataset.total])));
    text($("reasons"), reasons.map(([reason, number]) => `${reason} ${T.count(number)}`).join(" · ") || "none");
    const adds = totals.counted + totals.duplicates + totals.late + refused === totals.received;
    $("adds-up").hidden = !adds;
    $("adds-not").hidden = adds;
  }

  /* ---------- Feed ---------- */
  const feedRow = () => make("li", {}, make("time"), make("span", {}, make("svg", { class: "i", "aria-hidden": "true" }, make("use"))),
    make("div", {}, make("p", { class: "what" }), make("p", { class: "sub" })), make("span", { class: "amount" }));
  function feed(events) {
    if ($("live-pause").getAttribute("aria-pressed") === "true") return;
    rowsOf($("feed"), events.length, feedRow).forEach((row, i) => {
      const event = T.happening(events[i]), [time, kind, , amount] = row.children;
      attribute(time, "datetime", event.at);
      text(time, event.time);
      attribute(kind, "class", event.kind);
      use(kind.firstElementChild, event.icon);
      text(row.querySelector(".what"), event.what);
      text(row.querySelector(".sub"), event.sub);
      text(amount, event.amount);
    });
    $("feed-empty").hidden = events.length > 0;
    $("feed").hidden = events.length === 0;
  }

  /* ---------- Stream and connection ---------- */
  const isQuiet = () => {
    if (!latest.snapshot.last_event_at) return true;
    const age = new Date(latest.snapshot.as_of) - new Date(latest.snapshot.last_event_at);
    return age + performance.now() - arrived > page.dataset.quietSeconds * 1000;
  };
  function stream({ snapshot, waited_ms: waited }, trip) {
    const quiet = isQuiet(), lag = quiet || snapshot.lag_ms === null ? null : snapshot.lag_ms + waited + trip / 2;
    const values = {
      rate: T.rate(snapshot.events_per_second), lag: T.seconds(lag), counted: T.seconds(quiet ? null : snapshot.lag_ms),
      last: snapshot.last_event_at ? T.second(snapshot.last_event_at) : "–", visitors: `≈ ${T.count(snapshot.now.visitors)}`, sessions: `≈ ${T.count(snapshot.now.sessions)}`,
    };
    page.querySelectorAll("[data-stream]").forEach((dd) => text(dd, values[dd.dataset.stream]));
    text($("rate"), values.rate);
    text($("lag"), values.lag);
    quietBanner(quiet);
  }
  function quietBanner(quiet) {
    const last = latest.snapshot.last_event_at;
    if (quiet) text($("quiet-since"), last ? `The last event came at ${T.second(last)}.` : "No event of this shop has come yet today.");
    $("quiet").hidden = !quiet || !$("lost").hidden || !$("outage").hidden;
  }

  const LINK = { connecting: ["", "spin", "Connecting"], open: ["live", "s-live", "Connected"], lost: ["provisional", "unplug", "Disconnected"], over: ["provisional", "unplug", "Signed out"], outage: ["provisional", "clock", "Standing still"] };
  function link(name) {
    const [tone, icon, words] = LINK[name];
    attribute($("link"), "class", `state ${tone}`);
    page.classList.toggle("still", tone !== "live");
    use($("link").firstElementChild, icon);
    text($("link").querySelector(".text"), words);
  }
  let countdown = 0;
  function state(name, details) {
    link(name);
    clearInterval(countdown);
    $("lost").hidden = name !== "lost";
    if (name === "over") return location.reload();
    if (name !== "lost") return undefined;
    text($("lost-since"), T.second(details.since));
    const tell = () => text($("lost-next"), `Trying again in ${Math.max(1, Math.ceil((details.at - Date.now()) / 1000))} s.`);
    tell();
    countdown = setInterval(tell, 1000);
    $("quiet").hidden = true;
    return undefined;
  }

  /* ---------- Messages ---------- */
  function paint() {
    if (painted === latest) return;
    const { snapshot } = painted = latest, now = figures(snapshot);
    tiles(now);
    answer(now);
    day(snapshot);
    minutes("revenue", snapshot, (minute) => minute.net_revenue, T.money);
    minutes("events", snapshot, (minute) => minute.events, T.count);
    funnel(snapshot.funnel);
    products(snapshot.top_products);
    feed(snapshot.latest);
    ledger(snapshot.totals);
    EAparts.paint(snapshot);
    stream(latest, latest.trip);
    speak(now);
  }
  let spoken = null;
  function speak(now) {
    const sentence = `${T.money(now.net_revenue)} net from ${orders(now.orders)} so far today`;
    if (spoken !== null && spoken !== sentence) say(sentence, 30000);
    spoken = sentence;
  }
  function message(found, trip) {
    if (found.type === "notice") { EAnotices.heard(found.notice, concerns); return; }
    if (found.type === "outage") {
      link("outage");
      text($("outage-since"), ` since ${T.second(found.since)}`);
      $("outage").hidden = false;
      $("quiet").hidden = true;
      return;
    }
    /* A page that was rendered without numbers, or on a day that is over, is rendered anew. */
    if ("empty" in page.dataset || found.snapshot.date !== page.dataset.date) { location.reload(); return; }
    link("open");
    $("outage").hidden = true;
    latest = { ...found, trip };
    arrived = performance.now();
    requestAnimationFrame(paint);
  }

  async function compareAgain() {
    const answer = await fetch(`${document.body.dataset.root}live/compare?shop=${encodeURIComponent(page.dataset.shop)}`, { redirect: "error" });
    if (!answer.ok) throw new Error(`live/compare answered ${answer.status}`);
    compared = await answer.json();
  }

  /* Of all notices, a published day alone touches what is shown here: last week's figures. */
  const concerns = (notice) => (notice.kind === "day_published" ? compareAgain() : null);
  const socket = EAlink.open(EAnotices.address("live"), { message, state });
  $("retry").addEventListener("click", socket.retry);
  $("live-pause")?.addEventListener("click", () => { if (latest) feed(latest.snapshot.latest); });
  setInterval(() => { if (latest) stream(latest, latest.trip); }, 5000);
  if (compared) setInterval(() => compareAgain().catch((error) => console.warn("The comparison stays as it was:", error)), 60000);
})();
