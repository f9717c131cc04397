import type { StatusView } from '../admin/schema/status.ts';
import { element, setAttribute, setText } from './dom.ts';
import { formatCount, formatMilliseconds, formatPercent } from './format.ts';
import { type Row, RowList } from './row-list.ts';

type Worker = StatusView['workers'][number];

export class WorkerTable {
  readonly #rows: RowList<Worker>;

  constructor(body: HTMLElement) {
    this.#rows = new RowList(body, { key: ({ index }) => String(index), create: createRow });
  }

  show(workers: readonly Worker[]): void {
    this.#rows.show(workers);
  }
}

function createRow(): Row<Worker> {
  const name = element('th', { scope: 'row' });
  const state = element('span', { class: 'tag' });
  const [sessions, load, lag] = [cell(), cell(), cell()];
  const restarts = cell('wide');
  const index = element('span');
  name.append(index, ' ', state);
  return {
    root: element('tr', {}, name, sessions, load, lag, restarts),
    show: worker => {
      setText(index, String(worker.index));
      setText(state, worker.state);
      setAttribute(state, 'data-tone', worker.state === 'ready' ? 'good' : 'warning');
      setText(sessions, formatCount(worker.sessions));
      setText(load, formatPercent(worker.cpu));
      setText(lag, formatMilliseconds(worker.eventLoopLagP99));
      setText(restarts, formatCount(worker.restarts));
    },
  };
}

function cell(...classes: readonly string[]): HTMLElement {
  return element('td', { class: ['number', ...classes].join(' ') });
}
