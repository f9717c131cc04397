// Rows of a table or list that are shown again and again: each belongs to one thing, and moves with it.

export interface Row<T> {
  readonly root: HTMLElement;
  show(item: T): void;
}

export interface RowListOptions<T> {
  readonly key: (item: T) => string;
  readonly create: (item: T) => Row<T>;
}

export class RowList<T> {
  readonly #parent: HTMLElement;
  readonly #options: RowListOptions<T>;
  readonly #rows = new Map<string, Row<T>>();

  constructor(parent: HTMLElement, options: RowListOptions<T>) {
    this.#parent = parent;
    this.#options = options;
  }

  /** The parent has exactly these rows then, in this order. The keyboard's focus stays with its row. */
  show(items: readonly T[]): void {
    const { key, create } = this.#options;
    const focused = document.activeElement;
    const focusedRow = [...this.#parent.children].findIndex(row => row.contains(focused));
    const wanted = new Set(items.map(key));
    for (const [name, row] of this.#rows) {
      if (wanted.has(name)) continue;
      row.root.remove();
      this.#rows.delete(name);
    }
    let next = this.#parent.firstElementChild;
    for (const item of items) {
      const name = key(item);
      const row = this.#rows.get(name) ?? create(item);
      this.#rows.set(name, row);
      row.show(item);
      if (row.root === next) next = next.nextElementSibling;
      else this.#parent.insertBefore(row.root, next);
    }
    if (focusedRow >= 0 && document.activeElement !== focused) this.#refocus(focused, focusedRow);
  }

  /** A row that was moved loses the focus, one that is gone leaves it to whoever stands in its place. */
  #refocus(focused: Element | null, index: number): void {
    const { children } = this.#parent;
    const heir = children[Math.min(index, children.length - 1)]?.querySelector<HTMLElement>('a, button');
    const target = focused instanceof HTMLElement && focused.isConnected ? focused : heir;
    target?.focus({ preventScroll: true });
  }
}
