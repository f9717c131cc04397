// What the page needs of the DOM. Text goes in as text only: nothing here, or anywhere else in the page, parses markup.

/** An element that index.html has. @throws Error when it has none of this id and kind: the page and its code do not fit. */
export function byId<T extends HTMLElement = HTMLElement>(id: string, kind?: new () => T): T {
  const found = document.getElementById(id);
  if (found === null || !(found instanceof (kind ?? HTMLElement))) throw new Error(`index.html has no fitting #${id}`);
  return found as T;
}

/** @param attributes as they would stand in markup. */
export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Readonly<Record<string, string>> = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[Tag] {
  const created = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) created.setAttribute(name, value);
  created.append(...children);
  return created;
}

/** Leaves the element alone when it says so already: a selection in it survives. */
export function setText(target: Element, text: string): void {
  if (target.textContent !== text) target.textContent = text;
}

/** Sets the attribute, or takes it away when the value is undefined. */
export function setAttribute(target: Element, name: string, value: string | undefined): void {
  if (value === undefined) target.removeAttribute(name);
  else if (target.getAttribute(name) !== value) target.setAttribute(name, value);
}

/** A point in time, exact when pointed at. @param at ISO 8601 */
export function setTime(target: HTMLTimeElement, at: string, text: string): void {
  if (target.dateTime !== at) {
    target.dateTime = at;
    target.title = at;
  }
  setText(target, text);
}
