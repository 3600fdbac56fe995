/* Rare notices: a day was published, something is rebuilt, an alert. A page that shows the day loads its content anew
   in place; the Live page hears notices on its own socket and calls EAnotices.heard itself.
   A page whose scripts hold on to elements inside <main> listens for "ea:refreshed". */
const EAnotices = (() => {
  "use strict";
  const body = document.body, address = (name) => {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    return `${scheme}://${location.host}${body.dataset.root}ws/${name}?shop=${encodeURIComponent(body.dataset.shop)}`;
  };

  const ICONS = { day_published: ["ok", "good"], rebuild: ["spin", ""], alert: ["bad", "bad"] };
  const WORDS = {
    day_published: ({ date, state }) => [`${date} is ${state} now.`, "The figures here are up to date."],
    rebuild: ({ percent }) => [percent < 100 ? `The live figures are counted anew, ${percent}%.` : "The live figures were counted anew.", ""],
    alert: ({ message }) => [message, "The Data page says what to do."],
  };

  const SVG = "http://www.w3.org/2000/svg";
  function icon(name, tone) {
    const svg = document.createElementNS(SVG, "svg"), use = document.createElementNS(SVG, "use");
    svg.setAttribute("class", `i ${tone}`);
    svg.setAttribute("aria-hidden", "true");
    use.setAttribute("href", `#${name}`);
    svg.append(use);
    return svg;
  }
  /* One toast a kind: a newer notice takes the place of the older. */
  function toast(kind, [strong, rest]) {
    const box = Object.assign(document.createElement("div"), { className: "toast" }), text = document.createElement("div");
    const close = Object.assign(document.createElement("button"), { type: "button", className: "btn quiet icon small" });
    close.setAttribute("aria-label", "Dismiss");
    close.dataset.act = "dismiss";
    close.append(icon("x", ""));
    text.append(Object.assign(document.createElement("b"), { textContent: strong }), document.createElement("br"), rest);
    box.dataset.kind = kind;
    box.append(icon(...ICONS[kind]), text, close);
    document.querySelector(`#toasts [data-kind="${kind}"]`)?.remove();
    document.getElementById("toasts").append(box);
  }

  /* The page's content as the server has it now. XMLHttpRequest gives a parsed document without a string becoming code. */
  function load() {
    return new Promise((done, failed) => {
      const request = new XMLHttpRequest();
      request.open("GET", location.href);
      request.responseType = "document";
      request.onload = () => (request.status === 200 && request.response ? done(request.response) : failed(new Error(`${request.status}`)));
      request.onerror = () => failed(new Error("no answer"));
      request.send();
    });
  }
  const tables = () => [...document.querySelectorAll("#main .card [data-act=view][value=table][aria-pressed=true]")].map((button) => button.closest(".card").getAttribute("aria-labelledby"));
  function restore(open) {
    for (const id of open) document.querySelector(`#main .card[aria-labelledby="${id}"] [data-act=view][value=table]`)?.click();
  }
  let waiting = 0;
  async function refresh() {
    clearTimeout(waiting);
    const busy = document.fullscreenElement || document.querySelector("#main [popover]:popover-open, #main :is(input, select, textarea):focus, dialog[open]");
    if (busy) { waiting = setTimeout(refresh, 2000); return; }   /* never under the reader's hands */
    const fresh = (await load()).getElementById("main"), main = document.getElementById("main");
    if (!fresh) throw new Error("the page has no content any more");
    const open = tables(), focused = document.activeElement?.id, at = scrollY;
    main.replaceChildren(...document.adoptNode(fresh).childNodes);
    if (typeof EA !== "undefined") EA.drawAll();
    restore(open);
    if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
    scrollTo({ top: at, behavior: "instant" });
    document.dispatchEvent(new CustomEvent("ea:refreshed"));
  }

  /* again(notice) loads what the notice concerns; by default the whole content. */
  function heard(notice, again = refresh) {
    const words = WORDS[notice.kind];
    if (!words) return;
    const done = () => toast(notice.kind, words(notice.details));
    Promise.resolve(notice.kind === "rebuild" && again === refresh ? null : again(notice))
      .then(done, (error) => { console.warn("The page stays as it was:", error.message); });
  }

  if (!document.getElementById("live-page")) {
    EAlink.open(address("notices"), {
      message: (found) => { if (found.type === "notice") heard(found.notice); },
      state: (name) => { if (name === "over") location.reload(); },
    });
  }
  return { heard, refresh, address };
})();
