/* Behaviour of the components. Menus and definitions need none: they are native popovers.
   An element with data-act="<name>" runs that act when it is clicked; its card, if any, is its nearest .card. */
const EAui = (() => {
  "use strict";
  const root = document.documentElement;
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];

  /* Say something to screen readers, politely. What the reader did: at once. Live numbers: one sentence at most
     every 30 s, say(text, 30000); the last one wins. */
  let waiting = 0, spoken = -Infinity;
  function say(text, gap = 500) {
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      document.getElementById("status").textContent = text;
      spoken = performance.now();
    }, Math.max(0, spoken + gap - performance.now()));
  }

  /* A live value: text only, and only where it differs; its width is reserved by the tile. */
  function setValue(element, text) {
    if (element.textContent === text) return false;
    element.textContent = text;
    element.classList.remove("changed");
    void element.offsetWidth;                     /* restarts the animation */
    element.classList.add("changed");
    return true;
  }

  /* Theme: system > light > dark, kept in the cookie "theme"; the server renders data-theme from it, so nothing flashes. */
  const THEMES = ["system", "light", "dark"];
  const current = () => root.dataset.theme || "system";
  function nameTheme() {
    all("[data-act=theme]").forEach((button) => button.setAttribute("aria-label", `Theme: ${current()}. Change theme`));
  }
  function setTheme(theme) {
    if (theme === "system") delete root.dataset.theme;
    else root.dataset.theme = theme;
    setCookie("theme", theme);
    nameTheme();
  }
  function setCookie(name, value) {
    const secure = location.protocol === "https:" ? "; secure" : "";
    document.cookie = `${name}=${value}; path=/; max-age=31536000; samesite=lax${secure}`;
  }

  const acts = {
    theme() {
      setTheme(THEMES[(THEMES.indexOf(current()) + 1) % THEMES.length]);
      say(`Theme: ${current()}`);
    },
    view(button, card) {                          /* beside: the table that takes a plot's place; heat maps and funnels are tables, drawn plainly */
      const asTable = button.value === "table", plot = card.querySelector(".plot"), beside = card.querySelector(".plot + .table-wrap");
      all("[data-act=view]", card).forEach((other) => other.setAttribute("aria-pressed", other === button));
      card.classList.toggle("as-table", asTable);
      if (plot) plot.hidden = asTable;
      if (beside) beside.hidden = !asTable;
      card.querySelector(".legend")?.toggleAttribute("hidden", asTable);
    },
    csv(_button, card) { EAsave.csv(card); },
    json(_button, card) { EAsave.json(card); },
    png(_button, card) { EAsave.png(card); },
    print() { window.print(); },
    full(_button, card) {
      if (document.fullscreenElement) document.exitFullscreen();
      else card.requestFullscreen();
    },
    pause(button) {
      const paused = button.getAttribute("aria-pressed") !== "true";
      button.setAttribute("aria-pressed", paused);
      button.lastElementChild.textContent = paused ? "Resume" : "Pause";
      say(paused ? "Feed paused" : "Feed resumed");
    },
    dismiss(button) {                             /* data-keep: the choice is kept in a cookie of that name */
      if (button.dataset.keep) setCookie(button.dataset.keep, "hidden");
      button.closest(".toast, .banner, .card").remove();
    },
    copy(button) {
      navigator.clipboard.writeText(button.previousElementSibling.textContent)
        .then(() => say("Copied"), () => say("Not copied: select the text and copy it"));
    },
    reveal(button) {
      const row = document.getElementById(button.getAttribute("aria-controls"));
      row.hidden = !row.hidden;
      button.setAttribute("aria-expanded", !row.hidden);
    },
  };

  document.addEventListener("click", (event) => {
    const control = event.target.closest("[data-act]");
    if (control && acts[control.dataset.act]) acts[control.dataset.act](control, control.closest(".card"));
  });
  document.addEventListener("click", (event) => { /* a choice made in a menu closes it; a link leaves the page anyway */
    if (event.target.closest(".menu :is(a, button)")) event.target.closest("[popover]")?.hidePopover();
  });
  /* Loading: other days, another page or a search are on their way. A download or another tab leaves this page as it is. */
  function loading(event) {
    const link = event.target.closest("a[href]");
    if (event.type === "click" && (!link || link.hasAttribute("download") || event.metaKey || event.ctrlKey || event.shiftKey)) return;
    if (link && (link.origin !== location.origin || link.getAttribute("href").startsWith("#"))) return;
    document.getElementById("main").setAttribute("aria-busy", "true");
    say("Loading", 0);
  }
  document.addEventListener("click", loading);
  document.addEventListener("submit", loading);
  window.addEventListener("pageshow", () => document.getElementById("main").removeAttribute("aria-busy"));

  /* A definition shows while its name is pointed at or has the focus; a click or Enter shows it, too, and Esc closes it. */
  const definition = (event) => event.target.closest?.(".def");
  function define(event) {
    const name = definition(event), tip = name && document.getElementById(name.getAttribute("popovertarget"));
    if (!tip) return;
    if (event.type === "click") event.preventDefault(); /* the button alone would close what pointing at it has opened */
    if (event.type === "mouseover" && document.querySelector(".menu:popover-open")) return;
    if (event.type === "focusin" && !name.matches(":focus-visible")) return;
    if (!tip.matches(":popover-open")) tip.showPopover({ source: name });
  }
  function forget(event) {
    const name = definition(event);
    if (name && document.activeElement !== name) document.getElementById(name.getAttribute("popovertarget")).hidePopover();
  }
  ["click", "mouseover", "focusin"].forEach((type) => document.addEventListener(type, define));
  ["mouseout", "focusout"].forEach((type) => document.addEventListener(type, forget));
  nameTheme();
  return { say, setValue, setTheme };
})();
