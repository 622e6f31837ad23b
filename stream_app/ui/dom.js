// Builds nodes. Every piece of data goes in as a text node or an attribute, never as markup.

const SVG = "http://www.w3.org/2000/svg";

/** An HTML element with attributes and children; strings become text, null children are left out. */
export function el(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** The same for SVG. */
export function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

/** The element with this id, which index.html holds. */
export function byId(id) {
  return document.getElementById(id);
}

/** Sets the text only when it differs, so that readers are not disturbed once a second. */
export function setText(node, text) {
  if (node.textContent !== String(text)) node.textContent = text;
}

/** Sets or removes an attribute only when it differs. */
export function setAttribute(node, name, value) {
  if (value === null || value === undefined || value === false) node.removeAttribute(name);
  else if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value);
}

/**
 * Makes the parent's children match the items, in order, keeping the nodes (and the focus) of the items that stay.
 * make(item) builds a node; update(node, item) is called for each item.
 */
export function reconcile(parent, items, keyOf, make, update) {
  const focused = parent.contains(document.activeElement) ? document.activeElement : null;
  const wanted = new Set(items.map((item, index) => String(keyOf(item, index))));
  const kept = keepWanted(parent, wanted);
  let place = parent.firstElementChild;
  items.forEach((item, index) => {
    const key = String(keyOf(item, index));
    const node = kept.get(key) ?? make(item);
    kept.delete(key);
    node.dataset.key = key;
    update(node, item, index);
    if (node === place) place = place.nextElementSibling;
    else parent.insertBefore(node, place);
  });
  if (focused !== null && focused !== document.activeElement && focused.isConnected) focused.focus();
}

function keepWanted(parent, wanted) {
  const kept = new Map();
  for (const child of [...parent.children]) {
    const key = child.dataset.key;
    if (wanted.has(key) && !kept.has(key)) kept.set(key, child);
    else child.remove();
  }
  return kept;
}

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) setAttribute(node, name, value);
  for (const child of children) if (child !== null && child !== undefined) node.append(child);
  return node;
}
