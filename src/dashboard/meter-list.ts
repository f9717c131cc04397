// Bars, one below the other.
import { element, setAttribute, setText } from './dom.ts';
import type { Meter } from './meters.ts';
import { type Row, RowList } from './row-list.ts';

export class MeterList {
  readonly #rows: RowList<Meter>;
  readonly #empty: HTMLElement | undefined;

  constructor(list: HTMLElement, empty?: HTMLElement) {
    this.#empty = empty;
    this.#rows = new RowList(list, { key: ({ key }) => key, create: createMeter });
  }

  show(meters: readonly Meter[]): void {
    this.#rows.show(meters);
    if (this.#empty !== undefined) this.#empty.hidden = meters.length > 0;
  }
}

function createMeter({ href }: Meter): Row<Meter> {
  const name = href === undefined ? element('span') : element('a', { href });
  name.classList.add('meter-name');
  const note = element('span', { class: 'meter-note' });
  const value = element('span', { class: 'meter-value' });
  const bar = element('span', { class: 'meter-bar' });
  const root = element('li', { class: 'meter' }, name, note, value, element('span', { class: 'meter-track' }, bar));
  return {
    root,
    show: meter => {
      setText(name, meter.name);
      setText(note, meter.note ?? '');
      setText(value, meter.value);
      setAttribute(root, 'data-critical', meter.isCritical === true ? '' : undefined);
      bar.style.setProperty('--share', String(Math.min(1, Math.max(0, meter.share))));
    },
  };
}
