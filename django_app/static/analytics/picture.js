/* A card as a picture: EApicture.of(card) -> canvas. Painted from the card's own layout, so that what is saved is what is shown:
   backgrounds, rules, the bars' rectangles, a chart's canvas, and each word where the browser has put it. */
const EApicture = (() => {
  "use strict";
  const SCALE = 2, MARGIN = 12, LARGEST = 16000;   /* px; a canvas of more is empty in some browsers */
  const LEFT_OUT = ".card-tools, .card-head > a, .pager, .search, .sr, .detail, .actions, .i, [popover], [hidden]";
  const seen = (colour) => colour !== "transparent" && !/, 0\)$/.test(colour);

  /* The card laid out in full beside the page: nothing scrolls, nothing is cut off, and its foot says of what it is. */
  function laid(card) {
    const copy = card.cloneNode(true), days = document.querySelector("[popovertarget=ranges]")?.innerText.replace(/\s+/g, " ").trim();
    copy.querySelectorAll(LEFT_OUT).forEach((one) => one.remove());
    copy.className += " picture";
    copy.style.width = `${card.offsetWidth}px`;
    copy.append(Object.assign(document.createElement("p"), { className: "card-note", textContent: [document.title, days].filter(Boolean).join(" · ") }));
    document.body.append(copy);
    return copy;
  }

  function hatch(context) {
    const line = getComputedStyle(document.querySelector(".hatch-line"));
    const tile = Object.assign(document.createElement("canvas"), { width: 7, height: 7 }), pen = tile.getContext("2d");
    Object.assign(pen, { strokeStyle: line.stroke, globalAlpha: line.opacity });
    pen.stroke(new Path2D("M-1 1 1 -1M-1 8 8 -1M6 8 8 6"));
    return context.createPattern(tile, "repeat");
  }

  function rectangle(context, box, fill, radius) {
    context.fillStyle = fill;
    context.beginPath();
    context.roundRect(box.x, box.y, box.width, box.height, radius);
    context.fill();
  }

  /* A border below or above: one line, or two of a third each. */
  function rule(context, at, y, [width, kind, colour]) {
    if (!width || kind === "none") return;
    context.fillStyle = colour;
    const lines = kind === "double" ? [[y, width / 3], [y + 2 * width / 3, width / 3]] : [[y, width]];
    lines.forEach(([top, height]) => context.fillRect(at.x, top, at.width, height));
  }

  function box(context, at, style) {
    if (seen(style.backgroundColor)) rectangle(context, at, style.backgroundColor, parseFloat(style.borderRadius) || 0);
    const [above, below] = ["Top", "Bottom"].map((side) => [parseFloat(style[`border${side}Width`]), style[`border${side}Style`], style[`border${side}Color`]]);
    rule(context, at, at.y, above);
    rule(context, at, at.bottom - below[0], below);
    if (style.outlineStyle !== "dashed") return;
    Object.assign(context, { strokeStyle: style.outlineColor, lineWidth: 1 });
    context.setLineDash([3, 2]);
    context.strokeRect(at.x + 0.5, at.y + 0.5, at.width - 1, at.height - 1);
  }

  function words(context, node, style, origin) {
    Object.assign(context, { font: `${style.fontWeight} ${style.fontSize} ${style.fontFamily}`, fillStyle: style.color, letterSpacing: style.letterSpacing === "normal" ? "0px" : style.letterSpacing });
    const range = document.createRange();
    for (const word of node.data.matchAll(/\S+/g)) {
      range.setStart(node, word.index);
      range.setEnd(node, word.index + word[0].length);
      const at = range.getBoundingClientRect(), font = context.measureText(word[0]);
      const space = at.height - font.fontBoundingBoxAscent - font.fontBoundingBoxDescent;
      context.fillText(word[0], at.x - origin.x, at.y - origin.y + space / 2 + font.fontBoundingBoxAscent);
    }
  }

  function paint(context, copy, card, origin) {
    const drawn = card.querySelector("canvas");
    for (const element of [copy, ...copy.querySelectorAll("*")]) {
      if (!element.checkVisibility()) continue;
      const style = getComputedStyle(element), found = element.getBoundingClientRect();
      const at = new DOMRect(found.x - origin.x, found.y - origin.y, found.width, found.height);
      if (element.tagName === "CANVAS") context.drawImage(drawn, at.x, at.y, at.width, at.height);
      else if (element.tagName === "rect") rectangle(context, at, style.fill.startsWith("url") ? hatch(context) : style.fill, parseFloat(style.rx) || 0);
      else if (element !== copy) box(context, at, style);
      [...element.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE).forEach((node) => words(context, node, style, origin));
    }
  }

  /* As wide as its widest table: on a phone those scroll. */
  function sheet(copy, at) {
    const edges = [...copy.querySelectorAll("table")].map((table) => table.getBoundingClientRect().right - at.x + MARGIN);
    const width = Math.max(at.width, ...edges), scale = Math.min(SCALE, LARGEST / at.height);
    const canvas = Object.assign(document.createElement("canvas"), { width: width * scale, height: at.height * scale });
    const context = canvas.getContext("2d");
    context.scale(scale, scale);
    rectangle(context, { x: 0, y: 0, width, height: at.height }, getComputedStyle(copy).backgroundColor, 0);
    return context;
  }

  function of(card) {
    const copy = laid(card);
    try {
      const at = copy.getBoundingClientRect(), context = sheet(copy, at);
      paint(context, copy, card, at);
      return context.canvas;
    } finally {
      copy.remove();
    }
  }
  return { of };
})();
