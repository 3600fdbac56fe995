/* Numbers, times and events of the Live page as text; the server's first page has the same texts. */
const EAtext = ((page) => {
  "use strict";
  const locale = document.documentElement.dataset.locale, currency = page.dataset.currency, timeZone = page.dataset.zone;
  const minus = (text) => text.replace("-", "−");
  const money_ = new Intl.NumberFormat(locale, { style: "currency", currency });
  const count_ = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });
  const one_ = new Intl.NumberFormat(locale, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
  const clock = (options) => new Intl.DateTimeFormat("en-GB", { timeZone, hourCycle: "h23", hour: "2-digit", minute: "2-digit", ...options });
  const day_ = new Intl.DateTimeFormat("sv-SE", { timeZone });   /* 2026-11-18 */
  const minute_ = clock({}), second_ = clock({ second: "2-digit" });

  const percents = [0, 1, 2].map((digits) => new Intl.NumberFormat(locale, { style: "percent", minimumFractionDigits: digits, maximumFractionDigits: digits }));
  const money = (value) => (value === null ? "–" : minus(money_.format(value)));
  const count = (value) => (value === null ? "–" : minus(count_.format(value)));
  const percent = (value, digits = 2) => (value === null ? "–" : minus(percents[digits].format(value)));
  const change = (value) => {
    const text = percent(Math.abs(value), 1);
    if (text === percent(0, 1)) return text;
    return (value > 0 ? "+" : "−") + text;
  };

  /* £5,893 and .50 apart, so that the smaller part can be set smaller. */
  function moneyParts(value) {
    if (value === null) return ["–", ""];
    const parts = money_.formatToParts(value), point = parts.findIndex((part) => part.type === "decimal");
    const text = (some) => minus(some.map((part) => part.value).join(""));
    return point < 0 ? [text(parts), ""] : [text(parts.slice(0, point)), text(parts.slice(point))];
  }

  const seconds = (ms) => (ms === null ? "–" : ms < 1000 ? `${Math.round(ms)} ms` : `${one_.format(ms / 1000)} s`);

  const ICONS = { purchase: "bag", refund: "back", adjustment: "flat", add_to_cart: "cart", remove_from_cart: "x", begin_checkout: "card" };
  const items = (number) => (number === 1 ? "1 item" : `${number || 0} items`);
  const WHAT = {
    purchase: (event) => `Order of ${items(event.items)}`,
    refund: (event) => `Refund of ${items(event.items)}`,
    adjustment: () => "Adjustment",
    add_to_cart: (event) => `${event.item_name || "Product"} added to cart`,
    remove_from_cart: (event) => `${event.item_name || "Product"} removed from cart`,
    begin_checkout: (event) => `Checkout begun, ${items(event.items)}`,
    view_item: (event) => `${event.item_name || "Product"} viewed`,
    view_item_list: () => "List of products viewed",
    page_view: () => "Page viewed",
  };
  function happening(event) {
    const name = event.event_name, value = Number(event.value || 0);
    return {
      at: event.event_time, time: second_.format(new Date(event.event_time)), icon: ICONS[name] || "eye",
      kind: name === "purchase" || name === "refund" ? name : "other", what: (WHAT[name] || (() => name))(event),
      sub: [event.country, event.channel, event.device].filter(Boolean).join(" · "),
      amount: value ? money(name === "refund" ? -value : value) : "",
    };
  }

  return {
    money, moneyParts, count, percent, change, seconds, happening,
    rate: (value) => one_.format(value), day: (at) => day_.format(new Date(at)), minute: (at) => minute_.format(new Date(at)), second: (at) => second_.format(new Date(at)),
  };
})(document.getElementById("live-page"));
