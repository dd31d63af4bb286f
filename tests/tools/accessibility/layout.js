// Finds visible layout problems: text that is cut off, outside its box or over other text, and parts of the page without
// space between them. Returns a list of descriptions.
() => {
  const problems = [];
  const shortly = (text) => JSON.stringify(text.trim().replace(/\s+/g, " ").slice(0, 40));
  const named = (element) =>
    element.tagName.toLowerCase() + (element.id ? `#${element.id}` : "") +
    [...element.classList].map((name) => `.${name}`).join("");
  const visible = (element) => element.checkVisibility({ opacityProperty: true, visibilityProperty: true });
  const clips = (value) => value === "hidden" || value === "clip";
  // The usual styles of text for screen readers only.
  const forEarsOnly = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const { width, height } = at.getBoundingClientRect();
      if (width <= 1 && height <= 1 && clips(getComputedStyle(at).overflowX)) return true;
    }
    return false;
  };
  const ancestors = function* (element) {
    for (let at = element; at && at !== document.documentElement; at = at.parentElement) yield at;
  };

  const texts = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode;
    const element = node.parentElement;
    if (!node.data.trim() || !visible(element) || forEarsOnly(element)) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    const rects = [...range.getClientRects()].filter((rect) => rect.width > 1 && rect.height > 1);
    // Outside the window on purpose: the skip link and the honeypot field.
    if (rects.every((rect) => rect.right + scrollX <= 0 || rect.bottom + scrollY <= 0)) continue;
    if (rects.length) texts.push({ node, element, rects });
  }

  const wide = document.documentElement.clientWidth;
  for (const { node, element, rects } of texts) {
    const said = shortly(node.data);
    for (const rect of rects) {
      if (rect.left < -1 || rect.right > wide + 1) problems.push(`${said} in ${named(element)} goes over the edge`);
      for (const box of ancestors(element)) {
        const style = getComputedStyle(box);
        const inside = box.getBoundingClientRect();
        const high = rect.height * 0.25;
        if (clips(style.overflowX) && (rect.left < inside.left - 1 || rect.right > inside.right + 1))
          problems.push(`${said} is cut off at the side by ${named(box)}`);
        if (clips(style.overflowY) && (rect.top < inside.top - high || rect.bottom > inside.bottom + high))
          problems.push(`${said} is cut off in height by ${named(box)}`);
        if (style.position === "fixed" || style.position === "absolute") break;
      }
      const block = [...ancestors(element)].find((one) => !/^(inline|contents)$/.test(getComputedStyle(one).display));
      if (block) {
        const inside = block.getBoundingClientRect();
        const high = rect.height * 0.25;
        if (
          rect.left < inside.left - 2 || rect.right > inside.right + 2 ||
          rect.top < inside.top - high || rect.bottom > inside.bottom + high
        )
          problems.push(`${said} stands out of ${named(block)}`);
      }
    }
  }

  // An opaque positioned layer covers the text under it on purpose.
  const covers = (element, other) => {
    for (const box of ancestors(element)) {
      const style = getComputedStyle(box);
      if (/^(absolute|fixed|sticky)$/.test(style.position) && !box.contains(other))
        return style.backgroundColor !== "rgba(0, 0, 0, 0)";
    }
    return false;
  };
  const meet = (one, other) => ({
    width: Math.min(one.right, other.right) - Math.max(one.left, other.left),
    height: Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top),
  });
  const lines = texts.flatMap((text) => text.rects.map((rect) => ({ ...text, rect })));
  lines.sort((one, other) => one.rect.top - other.rect.top);
  lines.forEach((one, index) => {
    for (let next = index + 1; next < lines.length && lines[next].rect.top < one.rect.bottom; next += 1) {
      const other = lines[next];
      const { width, height } = meet(one.rect, other.rect);
      // Line boxes are taller than their letters, so a small overlap is no problem.
      if (width <= 2 || height <= 0.4 * Math.min(one.rect.height, other.rect.height)) continue;
      if (one.node === other.node && width < 3) continue;
      if (covers(one.element, other.element) || covers(other.element, one.element)) continue;
      problems.push(`${shortly(one.node.data)} and ${shortly(other.node.data)} lie over each other`);
    }
  });

  const controls = [...document.querySelectorAll("a[href], button, input, select, textarea, summary")].filter(
    (one) => visible(one) && !forEarsOnly(one) && one.getBoundingClientRect().right + scrollX > 0 &&
      one.getBoundingClientRect().bottom + scrollY > 0,
  );
  controls.forEach((one, index) => {
    for (const other of controls.slice(index + 1)) {
      if (one.contains(other) || other.contains(one) || covers(one, other) || covers(other, one)) continue;
      for (const a of one.getClientRects())
        for (const b of other.getClientRects()) {
          const { width, height } = meet(a, b);
          if (width > 2 && height > 4) problems.push(`${named(one)} and ${named(other)} lie over each other`);
        }
    }
  });
  // Less space is fine in print.
  const roomAbove = matchMedia("print").matches ? 0 : 16;
  for (const heading of document.querySelectorAll("main h2")) {
    const [before, after] = [heading.previousElementSibling, heading.nextElementSibling];
    if (!(before instanceof HTMLElement) || !visible(before) || !visible(heading) || forEarsOnly(heading)) continue;
    const above = before.getBoundingClientRect();
    for (const one of after ? [heading, after] : [heading]) {
      const box = one.getBoundingClientRect();
      const isBelow = box.left < above.right && box.right > above.left && box.bottom > above.bottom;
      if (isBelow && box.top < above.bottom + roomAbove)
        problems.push(`${named(one)} with ${shortly(heading.textContent)} begins right below ${named(before)}`);
    }
  }
  return [...new Set(problems)];
};
